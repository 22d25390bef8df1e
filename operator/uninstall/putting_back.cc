#include "operator/uninstall/putting_back.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/api/object.h"

namespace headroom::uninstall {

using nlohmann::json;

namespace {

constexpr char kRestore[] = "Restore";

std::string suspended(const json& object) { return object.value("spec", json::object()).value("suspend", "None"); }

}  // namespace

json suspending_patch(const json& object) {
  const api::ObjectMeta meta = api::meta_from_json(object);
  if (meta.deleted || meta.annotations.contains(kSuspendedBefore)) return nullptr;
  return {{"metadata", {{"annotations", {{kSuspendedBefore, suspended(object)}}}}}, {"spec", {{"suspend", kRestore}}}};
}

std::optional<std::string> not_put_back(const json& object) {
  const api::ObjectMeta meta = api::meta_from_json(object);
  // Without a finalizer it has never changed anything; what only advises does not either.
  const bool advises =
      object.value("spec", json::object()).value("engine", json::object()).value("type", "") == "Advise";
  if (!meta.has_finalizer(api::kFinalizer) || advises) return std::nullopt;
  const json status = object.value("status", json::object());
  std::string words = "not yet looked at";
  for (const json& condition : status.value("conditions", json::array())) {
    if (condition.value("type", "") != "Ready" || condition.value("observedGeneration", 0) < meta.generation) continue;
    if (condition.value("reason", "") == "Suspended" && !status.contains("inForce")) return std::nullopt;
    words = condition.value("message", "");
  }
  return absl::StrCat(object.value("kind", ""), " ", meta.key().to_string(), ": ", words);
}

json releasing_patch(const json& object) {
  const api::ObjectMeta meta = api::meta_from_json(object);
  json patch;
  if (meta.has_finalizer(api::kFinalizer)) {
    std::vector<std::string> finalizers = meta.finalizers;
    std::erase(finalizers, api::kFinalizer);
    patch["metadata"]["finalizers"] = finalizers;
  }
  const auto before = meta.annotations.find(kSuspendedBefore);
  if (before != meta.annotations.end()) {
    patch["metadata"]["annotations"][kSuspendedBefore] = nullptr;
    // Somebody may have decided otherwise meanwhile.
    if (suspended(object) == kRestore) patch["spec"]["suspend"] = before->second;
  }
  return patch;
}

}  // namespace headroom::uninstall
