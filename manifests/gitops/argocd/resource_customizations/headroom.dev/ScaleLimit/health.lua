-- ScaleLimit is in kstatus format: observedGeneration, Ready, and Reconciling or Stalled where they hold.
local hs = {}

if obj.metadata.deletionTimestamp ~= nil then
  hs.status = "Progressing"
  hs.message = "Pending deletion"
  if obj.metadata.finalizers ~= nil and #obj.metadata.finalizers > 0 then
    hs.message = hs.message .. "; blocked by finalizers: " .. table.concat(obj.metadata.finalizers, ", ")
  end
  return hs
end

local function condition_of(kind)
  if obj.status ~= nil and obj.status.conditions ~= nil then
    for _, condition in ipairs(obj.status.conditions) do
      if condition.type == kind then
        return condition
      end
    end
  end
  return nil
end

local function holds(kind, status)
  local condition = condition_of(kind)
  return condition ~= nil and condition.status == status
end

local function text_of(kind)
  local condition = condition_of(kind)
  if condition.message ~= nil and condition.message ~= "" then
    return condition.message
  end
  return condition.reason
end

if obj.status == nil or condition_of("Ready") == nil then
  hs.status = "Progressing"
  hs.message = "Waiting for Headroom to look at it"
  return hs
end

-- What is said of an older version is no news of this one.
if obj.metadata.generation ~= nil and obj.status.observedGeneration ~= obj.metadata.generation then
  hs.status = "Progressing"
  hs.message = "Waiting for Headroom to take version " .. obj.metadata.generation .. " into account"
  return hs
end

if holds("Reconciling", "True") then
  hs.status = "Progressing"
  hs.message = text_of("Reconciling")
  return hs
end

local told = "Ready"
for _, fault in ipairs({{"Stalled", "True"}, {"Ready", "False"}}) do
  if hs.status == nil and holds(fault[1], fault[2]) then
    hs.status = "Degraded"
    told = fault[1]
  end
end
hs.status = hs.status or "Healthy"
hs.message = text_of(told)

-- Worth knowing besides.
for _, note in ipairs({
  {"Enforced", "False"}, {"MetricsUnavailable", "True"}, {"ScaledFieldUnknown", "True"},
  {"HoldsUnlanded", "True"},
}) do
  if note[1] ~= told and holds(note[1], note[2]) then
    hs.message = hs.message .. "; " .. note[1] .. "=" .. note[2] .. ": " .. text_of(note[1])
  end
end
return hs
