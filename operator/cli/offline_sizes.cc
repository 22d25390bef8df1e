#include "operator/cli/offline_sizes.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "operator/api/json_path.h"
#include "operator/plan/text.h"

namespace headroom::cli {
namespace {

using api::EngineType;
using nlohmann::json;
using plan::concat;

/// KEDA's defaults of minReplicaCount and maxReplicaCount.
constexpr int kKedaMin = 0, kKedaMax = 100;

const json* member(const json* object, const std::string& name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(name);
  return found == object->end() ? nullptr : &*found;
}

std::string text(const json* value) { return value && value->is_string() ? value->get<std::string>() : std::string(); }

std::optional<int> integer_at(const json& object, const std::string& path) {
  const Result<api::JsonPath> parsed = api::JsonPath::parse(path);
  if (!parsed) return std::nullopt;
  const json* value = &object;
  for (const api::JsonPath::Step& step : parsed.value().steps()) {
    if (step.kind != api::JsonPath::Step::Kind::Member) return std::nullopt;
    value = member(value, step.name);
  }
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  return value->get<int>();
}

std::string group_of(const std::string& api_version) {
  const std::size_t slash = api_version.find('/');
  return slash == std::string::npos ? std::string() : api_version.substr(0, slash);
}

OfflineSize single(int size) { return {{size, size, {}}, {}}; }

}  // namespace

bool is_home(const std::string& region, const std::vector<api::Region>& regions) {
  const auto known = std::ranges::find_if(regions, [&](const api::Region& one) { return one.meta.name == region; });
  return known == regions.end() ? region == api::kLocalRegion
                                : known->spec.cluster.type == api::RegionCluster::Type::Local;
}

std::string OfflineSizes::namespace_of(const json& object) const {
  std::string ns = text(member(member(&object, "metadata"), "namespace"));
  return ns.empty() ? default_namespace_ : ns;
}

bool OfflineSizes::stands_in(const GivenObject& given, const std::string& region) const {
  return given.region.empty() ? is_home(region, regions_) : given.region == region;
}

const json* OfflineSizes::workload_of(const api::ScaleTarget& target) const {
  const api::TargetRef& ref = target.spec.target_ref;
  return find(target, group_of(ref.api_version), ref.kind, ref.name);
}

const json* OfflineSizes::find(const api::ScaleTarget& target, const std::string& group, const std::string& kind,
                               const std::string& name) const {
  const json* last = nullptr;
  for (const GivenObject& given : objects_) {
    const json& object = *given.object;
    const bool same = text(member(&object, "kind")) == kind && group_of(text(member(&object, "apiVersion"))) == group &&
                      text(member(member(&object, "metadata"), "name")) == name &&
                      namespace_of(object) == target.meta.ns;
    if (same && stands_in(given, target.spec.region)) last = &object;
  }
  return last;
}

const json* OfflineSizes::scaler_of(const api::ScaleTarget& target, const std::string& group,
                                    const std::string& kind) const {
  if (!target.spec.engine.name.empty()) return find(target, group, kind, target.spec.engine.name);
  const json* last = nullptr;
  for (const GivenObject& given : objects_) {
    const json& object = *given.object;
    if (text(member(&object, "kind")) != kind || namespace_of(object) != target.meta.ns) continue;
    const json* ref = member(member(&object, "spec"), "scaleTargetRef");
    const std::string ref_kind = text(member(ref, "kind"));
    const bool scales = text(member(ref, "name")) == target.spec.target_ref.name &&
                        (ref_kind.empty() || ref_kind == target.spec.target_ref.kind);
    if (scales && stands_in(given, target.spec.region)) last = &object;
  }
  return last;
}

/// From the kind's CustomResourceDefinition where it is given.
std::string OfflineSizes::scale_path(const api::TargetRef& ref) const {
  for (const GivenObject& given : objects_) {
    const json* spec = member(given.object, "spec");
    if (text(member(given.object, "kind")) != "CustomResourceDefinition") continue;
    if (text(member(member(spec, "names"), "kind")) != ref.kind) continue;
    if (text(member(spec, "group")) != group_of(ref.api_version)) continue;
    const json* versions = member(spec, "versions");
    if (versions == nullptr || !versions->is_array()) continue;
    for (const json& version : *versions) {
      const std::string path = text(member(member(member(&version, "subresources"), "scale"), "specReplicasPath"));
      if (!path.empty()) return path;
    }
  }
  return {};
}

OfflineSize OfflineSizes::of(const api::ScaleTarget& target) const {
  const api::ScaleTargetSpec& spec = target.spec;
  const api::TargetReplicas& replicas = spec.replicas;
  const bool has_bounds =
      spec.engine.type == EngineType::HorizontalPodAutoscaler || spec.engine.type == EngineType::ScaledObject;
  if (spec.engine.owns_autoscaler()) return {{replicas.min, replicas.max, {}}, {}};
  if (spec.engine.type == EngineType::HorizontalPodAutoscaler) {
    if (const json* scaler = scaler_of(target, "autoscaling", "HorizontalPodAutoscaler")) {
      const int min = integer_at(*scaler, ".spec.minReplicas").value_or(1);
      return {{min, integer_at(*scaler, ".spec.maxReplicas").value_or(min), {}}, {}};
    }
  } else if (spec.engine.type == EngineType::ScaledObject) {
    if (const json* scaler = scaler_of(target, "keda.sh", "ScaledObject")) {
      return {{integer_at(*scaler, ".spec.minReplicaCount").value_or(kKedaMin),
               integer_at(*scaler, ".spec.maxReplicaCount").value_or(kKedaMax),
               {}},
              {}};
    }
  } else if (const json* workload = workload_of(target)) {
    const std::string path =
        spec.engine.type == EngineType::Field ? spec.engine.field_path : scale_path(spec.target_ref);
    std::optional<int> size = path.empty() ? std::nullopt : integer_at(*workload, path);
    // Without its definition, the two fields that kinds with /scale use.
    if (path.empty()) size = integer_at(*workload, ".spec.replicas");
    if (path.empty() && !size) size = integer_at(*workload, ".spec.instances");
    if (!size && group_of(spec.target_ref.api_version) == "apps") size = 1;
    if (size) return single(*size);
  }
  const std::string title = concat("ScaleTarget ", target.meta.key().to_string(), ": ");
  if (has_bounds) {
    return {
        {replicas.min, replicas.max, {}},
        concat(title, "its autoscaler is not given; taken to stand at its own ", replicas.min, " to ", replicas.max)};
  }
  OfflineSize assumed = single(replicas.baseline.value_or(replicas.min));
  assumed.assumption =
      concat(title, spec.target_ref.kind, " ", spec.target_ref.name, " is not given; taken to stand at its ",
             replicas.baseline ? "baseline " : "minimum ", assumed.originals.min);
  return assumed;
}

}  // namespace headroom::cli
