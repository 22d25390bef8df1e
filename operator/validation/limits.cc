#include "operator/validation/limits.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>

#include "operator/validation/limit_bounds.h"
#include "operator/validation/region_admission.h"

namespace headroom::validation {
namespace {

using api::LimitKind;
using api::MatchedResource;
using api::ScaleLimit;
using Severity = Finding::Severity;

std::string name_of(const ScaleLimit& limit) {
  return absl::StrCat(api::to_string(limit.kind), " ", limit.meta.key().to_string());
}

std::string name_of(const MatchedResource& resource) {
  return resource.group.empty() ? resource.resource : absl::StrCat(resource.resource, ".", resource.group);
}

bool same_object(const ScaleLimit& a, const ScaleLimit& b) { return a.kind == b.kind && a.meta.key() == b.meta.key(); }

bool same_type(const MatchedResource& a, const MatchedResource& b) {
  return a.group == b.group && a.resource == b.resource;
}

Objects<ScaleLimit> others_than(const ScaleLimit& limit, const Objects<ScaleLimit>& all) {
  Objects<ScaleLimit> others;
  std::ranges::copy_if(all, std::back_inserter(others),
                       [&](const auto& one) { return !same_object(*one, limit) && !one->meta.deleted; });
  std::ranges::sort(others, [](const auto& a, const auto& b) {
    return std::pair(a->kind, a->meta.key()) < std::pair(b->kind, b->meta.key());
  });
  return others;
}

/// Which of two says the version of a type.
bool leads(const ScaleLimit& a, const ScaleLimit& b) {
  const auto order = [](const ScaleLimit& limit) {
    return std::tuple(limit.kind != LimitKind::ClusterScaleLimit, limit.meta.created.value_or(absl::InfiniteFuture()),
                      limit.meta.key());
  };
  return order(a) < order(b);
}

void check_versions(const ScaleLimit& limit, const ScaleLimit* former, const Objects<ScaleLimit>& others,
                    std::vector<Finding>& findings) {
  const LeadingLimits leading = leading_limits(others);
  const std::string other = other_version(limit, leading);
  if (other.empty()) return;
  const auto of_others = [&](const MatchedResource& one) {
    const auto leader = leading.find({one.group, one.resource});
    return !in_force(one, leading) && leader->second->meta.ns != limit.meta.ns;
  };
  const bool moves_away = limit.kind == LimitKind::ScaleLimit && former != nullptr &&
                          other_version(*former, leading).empty() &&
                          std::ranges::any_of(limit.spec.match.resources, of_others);
  findings.push_back({former == nullptr || moves_away ? Severity::Error : Severity::Warning, "spec.match.resources",
                      absl::StrCat(other, moves_away ? ": writes are judged in one version, which a ClusterScaleLimit "
                                                       "can be the first to change; name that one"
                                                     : ": writes are judged in one version; name one in all limits")});
}

void check_hiding(const ScaleLimit& limit, const ScaleLimit& other, const Snapshot& others,
                  std::vector<Finding>& findings) {
  const bool enforced = limit.spec.mode == api::ScaleLimitSpec::Mode::Enforce;
  const bool other_enforced = other.spec.mode == api::ScaleLimitSpec::Mode::Enforce;
  if (other_enforced && covers(other, limit, others)) {
    for (const HiddenBound& hidden : hidden_bounds(limit.spec, other.spec)) {
      findings.push_back({Severity::Warning, hidden.field,
                          absl::StrCat(hidden.bound, " is never reached, because ", name_of(other), " allows ",
                                       hidden.by_most, " (", hidden.by, "); lower this one or raise that")});
    }
  }
  if (enforced && covers(limit, other, others)) {
    for (const HiddenBound& hidden : hidden_bounds(other.spec, limit.spec)) {
      findings.push_back({Severity::Warning, hidden.by,
                          absl::StrCat("with ", hidden.by_most, " allowed, ", hidden.bound, " of ", name_of(other),
                                       " (", hidden.field, ") is never reached; raise this one or lower that")});
    }
  }
}

/// A sum that is lower than what one object may have.
void check_own_bounds(const ScaleLimit& limit, std::vector<Finding>& findings) {
  for (const HiddenBound& hidden : hidden_bounds(limit.spec, limit.spec)) {
    findings.push_back({Severity::Warning, hidden.field,
                        absl::StrCat(hidden.bound, " is never reached, because ", hidden.by, " allows ", hidden.by_most,
                                     " in all; lower this one or raise that")});
  }
}

bool refuses_all_creates(const api::ScaleLimitSpec& spec) {
  return spec.mode == api::ScaleLimitSpec::Mode::Enforce &&
         std::ranges::any_of(spec.deny, [](const api::DenyRule& rule) {
           return !rule.while_switch &&
                  std::ranges::find(rule.operations, api::Operation::Create) != rule.operations.end();
         });
}

void check_denials(const ScaleLimit& limit, const ScaleLimit& other, const Snapshot& others,
                   std::vector<Finding>& findings) {
  if (refuses_all_creates(other.spec) && covers(other, limit, others)) {
    findings.push_back({Severity::Warning, "spec.match",
                        absl::StrCat(name_of(other),
                                     " refuses every new object of these; this limit has nothing to "
                                     "count beyond what is stored")});
  }
}

void check_unavailable(const ScaleLimit& limit, const ScaleLimit& other, std::vector<Finding>& findings) {
  using Unavailable = api::ScaleLimitSpec::Unavailable;
  if (limit.spec.unavailable == other.spec.unavailable) return;
  for (const MatchedResource& resource : limit.spec.match.resources) {
    const auto& theirs = other.spec.match.resources;
    if (std::ranges::none_of(theirs, [&](const MatchedResource& one) { return same_type(one, resource); })) continue;
    const bool ignores = limit.spec.unavailable == Unavailable::Ignore;
    findings.push_back(
        {Severity::Warning, "spec.unavailable",
         ignores ? absl::StrCat("Ignore does not hold for ", name_of(resource), ": while no webhook answers, ",
                                name_of(other), " has such writes fail; set Ignore there, too, or Fail here")
                 : absl::StrCat("with Fail, writes of ", name_of(resource), " fail while no webhook answers, although ",
                                name_of(other), " says Ignore; say the same in both")});
    return;
  }
}

void check_namespaces(const ScaleLimit& limit, const Snapshot& others, std::vector<Finding>& findings) {
  const auto excluded = [&](const std::string& ns) {
    return std::ranges::find(others.excluded_namespaces, ns) != others.excluded_namespaces.end();
  };
  if (limit.spec.match.resources.empty()) return;
  if (limit.kind == LimitKind::ScaleLimit) {
    if (!excluded(limit.meta.ns)) return;
    findings.push_back({Severity::Warning, "metadata.namespace",
                        absl::StrCat("writes in namespace ", limit.meta.ns,
                                     " are never held against limits, because "
                                     "Headroom and the cluster itself need them")});
    return;
  }
  if (!limit.spec.match.namespaces) return;
  const bool some = std::ranges::any_of(others.namespace_labels, [&](const auto& ns) {
    return !excluded(ns.first) && limit.spec.match.namespaces->matches(ns.second);
  });
  if (some) return;
  findings.push_back({Severity::Warning, "spec.match.namespaceSelector",
                      "it selects no namespace that there is now, so nothing is limited; label the namespaces, or "
                      "correct the selector"});
}

}  // namespace

LeadingLimits leading_limits(const Objects<ScaleLimit>& limits) {
  LeadingLimits leading;
  for (const auto& limit : limits) {
    if (limit->meta.deleted) continue;
    for (const MatchedResource& resource : limit->spec.match.resources) {
      auto& leader = leading[{resource.group, resource.resource}];
      if (leader == nullptr || leads(*limit, *leader)) leader = limit;
    }
  }
  return leading;
}

bool in_force(const MatchedResource& resource, const LeadingLimits& leading) {
  const auto leader = leading.find({resource.group, resource.resource});
  if (leader == leading.end()) return true;
  const auto& named = leader->second->spec.match.resources;
  const auto first = std::ranges::find_if(named, [&](const MatchedResource& one) { return same_type(one, resource); });
  return first->version == resource.version;
}

std::string other_version(const ScaleLimit& limit, const LeadingLimits& leading) {
  for (const MatchedResource& mine : limit.spec.match.resources) {
    const auto differs = [&](const MatchedResource& one) {
      return same_type(one, mine) && one.version != mine.version;
    };
    const auto own = std::ranges::find_if(limit.spec.match.resources, differs);
    if (own != limit.spec.match.resources.end()) {
      return absl::StrCat(name_of(mine), " is named in ", mine.version, " and in ", own->version);
    }
    if (in_force(mine, leading)) continue;
    const ScaleLimit& leader = *leading.at({mine.group, mine.resource});
    const auto theirs = std::ranges::find_if(leader.spec.match.resources, differs);
    return absl::StrCat(name_of(mine), " ", mine.version, " is ", theirs->version, " in ", name_of(leader));
  }
  return "";
}

std::string observation_refusal(const ScaleLimit& limit, const api::ObservedLimit& observed, const Snapshot& others) {
  const api::Region* const region = others.region(observed.region);
  if (region == nullptr) {
    return absl::StrCat("there is no Region ", observed.region, "; create it, or correct the name");
  }
  if (limit.kind == LimitKind::ScaleLimit) {
    auto refused = namespace_refusal(observed.region, region->spec.allowed_namespaces, limit.meta.ns,
                                     others.labels_of(limit.meta.ns), others.own_namespace);
    if (refused) return *std::move(refused);
  }
  if (!region->spec.metrics) {
    return absl::StrCat("Region ", observed.region, " names no Prometheus; set spec.metrics of the Region");
  }
  return "";
}

std::vector<Finding> check_observed(const ScaleLimit& limit, const std::string& region, const Snapshot& others) {
  std::vector<Finding> findings;
  for (std::size_t i = 0; i < limit.spec.observed.size(); ++i) {
    const api::ObservedLimit& observed = limit.spec.observed[i];
    if (observed.region != region) continue;
    const std::string refused = observation_refusal(limit, observed, others);
    if (refused.empty()) continue;
    findings.push_back({Severity::Warning, absl::StrCat("spec.observed[", i, "].region"),
                        absl::StrCat(refused, ", until when the dimension ", observed.name, " has no figure")});
  }
  return findings;
}

std::vector<Finding> check(const ScaleLimit& limit, const ScaleLimit* former, const Snapshot& others) {
  std::vector<Finding> findings;
  const Objects<ScaleLimit> limits = others_than(limit, others.limits);
  check_versions(limit, former, limits, findings);
  check_own_bounds(limit, findings);
  for (const auto& other : limits) {
    check_hiding(limit, *other, others, findings);
    check_denials(limit, *other, others, findings);
    check_unavailable(limit, *other, findings);
  }
  check_namespaces(limit, others, findings);
  std::set<std::string> regions;
  for (const api::ObservedLimit& observed : limit.spec.observed) regions.insert(observed.region);
  for (const std::string& region : regions) {
    std::ranges::move(check_observed(limit, region, others), std::back_inserter(findings));
  }
  return findings;
}

}  // namespace headroom::validation
