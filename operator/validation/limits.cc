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

/// How the limit names the type; null: it is not over it.
const MatchedResource* named_by(const ScaleLimit& limit, const MatchedResource& type) {
  const auto& resources = limit.spec.match.resources;
  const auto first = std::ranges::find_if(resources, [&](const MatchedResource& one) { return same_type(one, type); });
  return first == resources.end() ? nullptr : &*first;
}

bool names_version(const ScaleLimit& limit, const MatchedResource& resource) {
  return std::ranges::any_of(limit.spec.match.resources, [&](const MatchedResource& one) {
    return same_type(one, resource) && one.version == resource.version;
  });
}

std::string other_in(const MatchedResource& mine, const ScaleLimit& limit) {
  return absl::StrCat(name_of(mine), " ", mine.version, " is ", named_by(limit, mine)->version, " in ", name_of(limit));
}

std::string two_versions_in(const ScaleLimit& limit, const MatchedResource& mine) {
  const MatchedResource* const first = named_by(limit, mine);
  if (first->version == mine.version) return "";
  return absl::StrCat(name_of(mine), " is named in ", first->version, " and in ", mine.version);
}

void check_version(const ScaleLimit& limit, const MatchedResource& mine, const ScaleLimit* former,
                   const Objects<ScaleLimit>& others, std::vector<Finding>& findings) {
  const LeadingLimits leading = leading_limits(others);
  const auto elsewhere = std::ranges::find_if(others, [&](const auto& other) {
    const MatchedResource* const theirs = named_by(*other, mine);
    return theirs != nullptr && theirs->version != mine.version && other->meta.ns != limit.meta.ns;
  });
  const bool as_before = former != nullptr && names_version(*former, mine);
  std::string text = two_versions_in(limit, mine);
  const char* remedy = "name one in all limits";
  bool refused = !as_before;
  if (text.empty() && in_force(mine, leading)) {
    if (elsewhere == others.end() || leading.at({mine.group, mine.resource})->kind == LimitKind::ClusterScaleLimit) {
      return;
    }
    text = other_in(mine, **elsewhere);
    refused = false;
  } else if (text.empty()) {
    // A limit of one's own may be the oldest, and by its version nobody would be asked about the writes of others.
    const bool leads_away = limit.kind == LimitKind::ScaleLimit && elsewhere != others.end();
    text = other_in(mine, leads_away ? **elsewhere : *leading.at({mine.group, mine.resource}));
    refused = !as_before && (former == nullptr || leads_away);
    if (former != nullptr && leads_away) remedy = "a ClusterScaleLimit can be the first to change; name that one";
  }
  findings.push_back({refused ? Severity::Error : Severity::Warning, "spec.match.resources",
                      absl::StrCat(text, ": writes are judged in one version; ", remedy)});
}

void check_versions(const ScaleLimit& limit, const ScaleLimit* former, const Objects<ScaleLimit>& others,
                    std::vector<Finding>& findings) {
  for (const MatchedResource& mine : limit.spec.match.resources) check_version(limit, mine, former, others, findings);
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
  return named_by(*leader->second, resource)->version == resource.version;
}

std::string other_version(const ScaleLimit& limit, const LeadingLimits& leading) {
  for (const MatchedResource& mine : limit.spec.match.resources) {
    if (std::string twice = two_versions_in(limit, mine); !twice.empty()) return twice;
    if (!in_force(mine, leading)) return other_in(mine, *leading.at({mine.group, mine.resource}));
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
