#include "operator/validation/targets.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <string>
#include <utility>

#include "operator/validation/region_admission.h"

namespace headroom::validation {
namespace {

using api::ScaleTarget;
using Severity = Finding::Severity;

const ScaleTarget* find(const Snapshot& others, const std::string& ns, const std::string& name) {
  const auto found = std::ranges::find_if(
      others.targets, [&](const auto& one) { return one->meta.name == name && one->meta.ns == ns; });
  return found == others.targets.end() ? nullptr : found->get();
}

/// The names from the target back to itself, along `follow`; empty: there is no such way.
std::vector<std::string> circle_of(const ScaleTarget& target, const Snapshot& others) {
  std::vector<std::string> way{target.meta.name};
  const ScaleTarget* at = &target;
  while (at != nullptr && at->spec.follow) {
    const std::string& leader = at->spec.follow->target;
    const bool round = leader == target.meta.name;
    if (!round && std::ranges::find(way, leader) != way.end()) return {};  // a circle that it only leads into
    way.push_back(leader);
    if (round) return way;
    at = find(others, target.meta.ns, leader);
  }
  return {};
}

void check_follow(const ScaleTarget& target, const Snapshot& others, std::vector<Finding>& findings) {
  if (!target.spec.follow) return;
  const std::string& leader = target.spec.follow->target;
  const auto circle = circle_of(target, others);
  if (!circle.empty()) {
    findings.push_back(
        {Severity::Error, "spec.follow.target",
         absl::StrCat(absl::StrJoin(circle, " follows "),
                      ": a circle has no leader, so none of them would follow; drop spec.follow of one")});
  } else if (find(others, target.meta.ns, leader) == nullptr) {
    findings.push_back({Severity::Warning, "spec.follow.target",
                        absl::StrCat("there is no ScaleTarget ", leader, " in namespace ", target.meta.ns,
                                     ", so nothing is followed until it is created; or correct the name")});
  }
}

/// What of the target asks Prometheus; empty: nothing.
std::string first_query_field(const api::ScaleTargetSpec& spec) {
  if (!spec.rules.empty()) return "spec.rules";
  if (spec.read_replica.lag_guard) return "spec.readReplica.lagGuard";
  return "";
}

void check_region(const ScaleTarget& target, const Snapshot& others, std::vector<Finding>& findings) {
  const std::string& name = target.spec.region;
  const api::Region* const region = others.region(name);
  static const api::RegionSpec kLocal;
  if (region == nullptr && name != api::kLocalRegion) {
    findings.push_back({Severity::Warning, "spec.region",
                        absl::StrCat("there is no Region ", name,
                                     ", so nothing is sized until it is created; or delete "
                                     "this and correct the name")});
    return;
  }
  const api::RegionSpec& spec = region == nullptr ? kLocal : region->spec;
  if (auto refused = namespace_refusal(name, spec.allowed_namespaces, target.meta.ns, others.labels_of(target.meta.ns),
                                       others.own_namespace)) {
    findings.push_back({Severity::Warning, "spec.region", *std::move(refused)});
  }
  if (auto refused = requirements_refusal(name, spec, target.spec.requirements)) {
    findings.push_back({Severity::Warning, "spec.requires", *std::move(refused)});
  }
  const std::string asks = first_query_field(target.spec);
  if (!asks.empty() && !spec.metrics) {
    findings.push_back({Severity::Warning, asks,
                        absl::StrCat("Region ", name,
                                     " names no Prometheus, so its queries have no answer; set "
                                     "spec.metrics of the Region")});
  }
  if (region == nullptr) return;
  for (std::size_t i = 0; i < target.spec.consumes.size(); ++i) {
    const std::string& dimension = target.spec.consumes[i].name;
    if (std::ranges::find(spec.capacity, dimension, &api::RegionCapacity::name) != spec.capacity.end()) continue;
    findings.push_back({Severity::Warning, absl::StrCat("spec.consumes[", i, "].name"),
                        absl::StrCat("Region ", name, " declares no capacity ", dimension,
                                     ", so nothing bounds it; add it to spec.capacity of the Region, or correct the "
                                     "name")});
  }
}

void check_twins(const ScaleTarget& target, const Snapshot& others, std::vector<Finding>& findings) {
  std::vector<std::string> twins;
  if (target.spec.engine.type == api::EngineType::Advise) return;
  for (const auto& other : others.targets) {
    if (other->meta.key() == target.meta.key() || other->meta.ns != target.meta.ns || other->meta.deleted ||
        other->spec.engine.type == api::EngineType::Advise) {
      continue;
    }
    if (other->spec.region == target.spec.region && other->spec.target_ref == target.spec.target_ref) {
      twins.push_back(other->meta.name);
    }
  }
  if (twins.empty()) return;
  std::ranges::sort(twins);
  const api::TargetRef& ref = target.spec.target_ref;
  findings.push_back({Severity::Warning, "spec.targetRef",
                      absl::StrCat("ScaleTarget ", absl::StrJoin(twins, ", "), " sizes ", ref.kind, " ", ref.name,
                                   " of region ", target.spec.region,
                                   ", too; they would overwrite each other: keep "
                                   "one")});
}

}  // namespace

std::vector<Finding> check(const ScaleTarget& target, const Snapshot& others) {
  std::vector<Finding> findings;
  check_follow(target, others, findings);
  check_region(target, others, findings);
  check_twins(target, others, findings);
  return findings;
}

}  // namespace headroom::validation
