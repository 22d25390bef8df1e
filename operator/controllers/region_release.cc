#include "operator/controllers/region_release.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <nlohmann/json.hpp>

#include "operator/controllers/region_parameters.h"

namespace headroom::controllers {
namespace {

std::string obstacle(const RegionFacts& facts) {
  if (facts.fault) return facts.fault->message;
  if (!facts.cluster.reachable) {
    return facts.cluster.problem.empty() ? "the API server does not answer" : facts.cluster.problem;
  }
  if (!facts.report.parameter_problems.empty()) return absl::StrJoin(facts.report.parameter_problems, "; ");
  return "they are not removed yet";
}

}  // namespace

bool lacks_finalizer(const api::Region& region) {
  return !region.meta.deleted && !region.spec.parameter_namespaces.empty() &&
         !region.meta.has_finalizer(api::kFinalizer);
}

RegionRelease release_of(const api::ObjectMeta& meta, const RegionFacts& facts, absl::Time now,
                         absl::Duration patience) {
  if (facts.report.parameters_gone) return {true, {}};
  const bool forced = meta.annotations.contains(api::kForceDeleteAnnotation);
  if (!forced && now < meta.deleted.value_or(now) + patience) return {};
  return {true, obstacle(facts)};
}

runtime::EventText left_behind_event(const api::Region& region, const std::string& because) {
  return {runtime::EventText::Type::Warning, "ParametersLeft", "Remove",
          absl::StrCat("ConfigMap ", kParametersConfigMap, " may be left in namespaces ",
                       absl::StrJoin(region.spec.parameter_namespaces, ", "), " of this region, because ", because,
                       "; there, delete those labelled ", kRegionLabel, "=", region_label_value(region.meta.name))};
}

}  // namespace headroom::controllers
