#include "operator/controllers/switches.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/api/json_reader.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;

std::optional<std::string> value_at(const std::map<std::string, std::string>& data, const std::string& key) {
  const auto it = data.find(key);
  return it == data.end() ? std::nullopt : std::optional(it->second);
}

/// Brings one key to what is wanted (or back), given what is recorded of it.
class KeyPlan {
 public:
  KeyPlan(std::string key, std::optional<std::string> now, SwitchAction& action)
      : key_(std::move(key)), now_(std::move(now)), action_(action) {}

  void hold(const WantedSwitch& wanted, const SwitchRecord* record) {
    if (record == nullptr && now_ && now_->size() > kLongestFormer) {
      action_.refused.push_back(key_);
      return;
    }
    SwitchRecord next{wanted.value, wanted.schedule, now_};
    if (record != nullptr) {
      const bool ours = now_ == record->value;
      const bool reverted = now_ == record->former;
      const bool same_wish = record->value == wanted.value;
      if (ours || reverted || same_wish) next.former = record->former;
      if (!ours && !reverted && same_wish) {
        action_.left_alone.push_back(key_);
        action_.ledger.keys[key_] = std::move(next);
        return;
      }
    }
    if (now_ != wanted.value) action_.set[key_] = wanted.value;
    action_.ledger.keys[key_] = std::move(next);
  }

  void release(const SwitchRecord& record) {
    if (now_ == record.value && record.former != now_) action_.set[key_] = record.former;
  }

 private:
  const std::string key_;
  const std::optional<std::string> now_;
  SwitchAction& action_;
};

/// What will be in the ConfigMap after the action.
bool leaves_nothing(const SwitchMap& found, const SwitchAction& action) {
  if (found.has_binary_data || !action.ledger.keys.empty()) return false;
  return std::ranges::all_of(found.data, [&](const auto& entry) {
    const auto it = action.set.find(entry.first);
    return it != action.set.end() && !it->second;
  });
}

}  // namespace

std::string SwitchPlace::to_string() const {
  return absl::StrCat("ConfigMap ", ns, "/", config_map, " in region ", region);
}

std::map<SwitchPlace, WantedSwitches> wanted_switches(const std::string& ns,
                                                      std::span<const SwitchClaimant> claimants) {
  std::vector<const SwitchClaimant*> order;
  for (const SwitchClaimant& claimant : claimants) order.push_back(&claimant);
  std::ranges::sort(order, [](const SwitchClaimant* a, const SwitchClaimant* b) {
    return std::tie(b->priority, a->schedule) < std::tie(a->priority, b->schedule);
  });
  std::map<SwitchPlace, WantedSwitches> wanted;
  // From the weakest to the strongest, each overwriting the one before.
  for (auto claimant = order.rbegin(); claimant != order.rend(); ++claimant) {
    for (const api::Switch& claim : (*claimant)->claims) {
      std::vector<std::string> regions = claim.regions;
      if (regions.empty()) regions.emplace_back(api::kLocalRegion);
      for (const std::string& region : regions) {
        wanted[{region, ns, claim.config_map}][claim.key] = {claim.value, (*claimant)->schedule};
      }
    }
  }
  return wanted;
}

std::string to_annotation(const SwitchLedger& ledger) {
  json keys = json::object();
  for (const auto& [key, record] : ledger.keys) {
    json entry = {{"value", record.value}, {"schedule", record.schedule}};
    if (record.former) entry["former"] = *record.former;
    keys[key] = std::move(entry);
  }
  json document = {{"keys", std::move(keys)}};
  if (ledger.made_config_map) document["madeConfigMap"] = true;
  return document.dump();
}

Result<SwitchLedger> ledger_from_annotation(const std::string& text) {
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  api::JsonFault fault;
  const api::JsonReader reader(document, kSwitchesAnnotation, fault);
  SwitchLedger ledger;
  ledger.made_config_map = reader.boolean("madeConfigMap");
  const auto keys = document.is_object() ? document.find("keys") : document.end();
  if (document.is_object() && keys != document.end() && keys->is_object()) {
    for (const auto& [key, entry] : keys->items()) {
      const api::JsonReader record(entry, key, fault);
      if (!record.has("value")) record.fail("value", "is missing");
      ledger.keys[key] = {record.text("value"), record.text("schedule"), record.optional_text("former")};
    }
  } else {
    reader.fail("keys", "must be an object");
  }
  if (fault.found()) return fault.error();
  return ledger;
}

SwitchMap switch_map_from_json(const json& config_map) {
  const api::ObjectMeta meta = api::meta_from_json(config_map);
  SwitchMap found{meta.uid, meta.resource_version, {}, config_map.contains("binaryData"), std::nullopt};
  if (const auto data = config_map.find("data"); data != config_map.end() && data->is_object()) {
    for (const auto& [key, value] : data->items()) {
      if (value.is_string()) found.data[key] = value.get<std::string>();
    }
  }
  if (const auto it = meta.annotations.find(kSwitchesAnnotation); it != meta.annotations.end()) {
    if (auto ledger = ledger_from_annotation(it->second)) found.ledger = std::move(ledger.value());
  }
  return found;
}

SwitchAction plan_switches(const std::optional<SwitchMap>& found, const WantedSwitches& wanted,
                           const std::map<std::string, SwitchRecord>& remembered) {
  SwitchAction action;
  const SwitchMap present = found.value_or(SwitchMap{});
  action.ledger.made_config_map = !found || (present.ledger && present.ledger->made_config_map);
  // Somebody who removed the ConfigMap removed the former values with it: then nothing is recorded.
  std::map<std::string, SwitchRecord> records;
  if (found) {
    records = remembered;
    if (present.ledger) {
      for (const auto& [key, record] : present.ledger->keys) records[key] = record;
    }
  }
  for (const auto& [key, wish] : wanted) {
    const auto record = records.find(key);
    KeyPlan(key, value_at(present.data, key), action).hold(wish, record == records.end() ? nullptr : &record->second);
  }
  for (const auto& [key, record] : records) {
    if (!wanted.contains(key)) KeyPlan(key, value_at(present.data, key), action).release(record);
  }
  using Kind = SwitchAction::Kind;
  if (!found) {
    action.kind = wanted.empty() ? Kind::None : Kind::Create;
  } else if (action.ledger.made_config_map && leaves_nothing(present, action)) {
    action.kind = Kind::Remove;
  } else {
    const SwitchLedger recorded = present.ledger.value_or(SwitchLedger{});
    const bool annotated = recorded == action.ledger || (recorded.keys.empty() && action.ledger.keys.empty());
    action.kind = action.set.empty() && annotated ? Kind::None : Kind::Patch;
  }
  return action;
}

json switch_write_body(const SwitchPlace& place, const std::optional<SwitchMap>& found, const SwitchAction& action) {
  json data = json::object();
  for (const auto& [key, value] : action.set) data[key] = value ? json(*value) : json(nullptr);
  json annotation = action.ledger.keys.empty() ? json(nullptr) : json(to_annotation(action.ledger));
  json metadata = {{"annotations", {{kSwitchesAnnotation, std::move(annotation)}}}};
  if (action.kind == SwitchAction::Kind::Create) {
    metadata["name"] = place.config_map;
    metadata["namespace"] = place.ns;
    metadata["labels"] = {{"app.kubernetes.io/managed-by", "headroom"}};
    return {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", std::move(metadata)}, {"data", std::move(data)}};
  }
  metadata["resourceVersion"] = found->resource_version;
  return {{"metadata", std::move(metadata)}, {"data", std::move(data)}};
}

}  // namespace headroom::controllers
