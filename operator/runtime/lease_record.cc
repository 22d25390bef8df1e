#include "operator/runtime/lease_record.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "operator/base/duration.h"

namespace headroom::runtime {
namespace {

using nlohmann::json;

std::string string_at(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

int int_at(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number_integer()) return 0;
  return static_cast<int>(std::clamp<std::int64_t>(it->get<std::int64_t>(), 0, std::numeric_limits<int>::max()));
}

std::int64_t lease_seconds(const ElectionOptions& options) {
  return std::chrono::ceil<std::chrono::seconds>(options.lease).count();
}

}  // namespace

LeaseRecord lease_from_json(const json& lease) {
  LeaseRecord record;
  if (const auto metadata = lease.find("metadata"); metadata != lease.end()) {
    record.resource_version = string_at(*metadata, "resourceVersion");
  }
  if (const auto spec = lease.find("spec"); spec != lease.end()) {
    record.holder = string_at(*spec, "holderIdentity");
    record.duration = std::chrono::seconds(int_at(*spec, "leaseDurationSeconds"));
    record.transitions = int_at(*spec, "leaseTransitions");
    record.renew_time = string_at(*spec, "renewTime");
  }
  return record;
}

json new_lease(const ElectionOptions& options, absl::Time now) {
  const std::string time = format_rfc3339_micro(now);
  return {{"apiVersion", "coordination.k8s.io/v1"},
          {"kind", "Lease"},
          {"metadata", {{"namespace", options.ns}, {"name", options.name}}},
          {"spec",
           {{"holderIdentity", options.identity},
            {"leaseDurationSeconds", lease_seconds(options)},
            {"acquireTime", time},
            {"renewTime", time},
            {"leaseTransitions", 0}}}};
}

json acquire_patch(const LeaseRecord& on, const ElectionOptions& options, absl::Time now) {
  const std::string time = format_rfc3339_micro(now);
  return {{"metadata", {{"resourceVersion", on.resource_version}}},
          {"spec",
           {{"holderIdentity", options.identity},
            {"leaseDurationSeconds", lease_seconds(options)},
            {"acquireTime", time},
            {"renewTime", time},
            {"leaseTransitions", on.holder == options.identity ? on.transitions : on.transitions + 1}}}};
}

json renew_patch(const LeaseRecord& on, const ElectionOptions& options, absl::Time now) {
  return {{"metadata", {{"resourceVersion", on.resource_version}}},
          {"spec",
           {{"holderIdentity", options.identity},
            {"leaseDurationSeconds", lease_seconds(options)},
            {"renewTime", format_rfc3339_micro(now)}}}};
}

json release_patch(const LeaseRecord& on, absl::Time now) {
  return {{"metadata", {{"resourceVersion", on.resource_version}}},
          {"spec", {{"holderIdentity", ""}, {"leaseDurationSeconds", 1}, {"renewTime", format_rfc3339_micro(now)}}}};
}

}  // namespace headroom::runtime
