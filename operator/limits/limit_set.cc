#include "operator/limits/limit_set.h"

#include <absl/hash/hash.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <iterator>
#include <tuple>

namespace headroom::limits {
namespace {

// Namespaces have names of one character or more.
constexpr std::string_view kAnyNamespace;

template <class... Parts>
std::size_t key_of(const Parts&... parts) {
  return absl::Hash<std::tuple<Parts...>>{}(std::tuple(parts...));
}

std::size_t resource_key(std::string_view group, std::string_view version, std::string_view resource,
                         std::string_view ns) {
  return key_of(group, version, resource, ns);
}

bool is_of_namespaces(std::string_view group, std::string_view resource) {
  return group.empty() && resource == "namespaces";
}

}  // namespace

LimitSet::LimitSet(std::vector<std::shared_ptr<const CompiledLimit>> limits) : limits_(std::move(limits)) {
  for (const auto& limit : limits_) {
    const bool one_namespace = limit->limit().kind == api::LimitKind::ScaleLimit;
    const std::string_view ns = one_namespace ? std::string_view(limit->limit().meta.ns) : kAnyNamespace;
    by_id_[limit->id()] = limit.get();
    const auto& resources = limit->limit().spec.match.resources;
    for (std::size_t i = 0; i < resources.size(); ++i) {
      by_resource_[resource_key(resources[i].group, resources[i].version, resources[i].resource, ns)].push_back(
          limit.get());
      if (is_of_namespaces(resources[i].group, resources[i].resource)) of_namespaces_.insert(limit->types()[i]);
      if (limit->watches_objects()) by_type_[key_of(limit->types()[i], ns)].push_back(limit.get());
    }
  }
}

template <class Visit>
void LimitSet::visit(const Index& index, std::size_t in_namespace, std::size_t in_any, Visit visit) {
  for (const std::size_t key : {in_namespace, in_any}) {
    const auto it = index.find(key);
    if (it != index.end()) std::ranges::for_each(it->second, visit);
    if (in_namespace == in_any) return;
  }
}

Assessment LimitSet::assess(const AskedWrite& write, const UsageCache& usage, SwitchIsOn switch_is_on) const {
  const auto standing_of = [&](LimitId limit, TypeId type, const Uid& object, Revision version) {
    return usage.standing(limit, type, object, version);
  };
  return assess(write, standing_of, switch_is_on);
}

Assessment LimitSet::assess(const AskedWrite& asked, StandingOf standing_of, SwitchIsOn switch_is_on) const {
  AskedWrite write = asked;
  const ObjectView* const shown = write.object != nullptr ? write.object : write.old_object;
  if (is_of_namespaces(write.group, write.resource) && shown != nullptr) write.ns = shown->name();
  Assessment assessment;
  const auto find = [&](std::vector<Finding> findings) {
    std::ranges::move(findings, std::back_inserter(assessment.findings));
  };
  const auto assess_by = [&](const CompiledLimit* limit) {
    const auto resource = limit->resource_of(write);
    if (!resource) return;
    const Selected selected = limit->selects(write, *resource, standing_of);
    if (selected == Selected::No) {
      if (limit->leaves(write)) find(limit->denials(write, switch_is_on));
      return;
    }
    assessment.write.type = limit->types()[*resource];
    std::vector<Finding> findings = limit->findings(write, *resource, switch_is_on);
    Result<std::optional<Charge>> charge = limit->charge(write, *resource, standing_of);
    if (selected == Selected::Unknown && charge && (charge.value() || !findings.empty())) charge = not_seen();
    if (!charge) {
      const bool unseen = charge.error().code == ErrorCode::TooManyRequests;
      if (unseen) findings.clear();
      findings.push_back({&limit->limit(), unseen ? 429 : 403, unseen ? "NotSeen" : "NotCountable", "",
                          absl::StrCat(api::to_string(limit->limit().kind), " ", limit->limit().meta.key().to_string(),
                                       ": ", charge.error().message)});
    }
    find(std::move(findings));
    if (charge) {
      if (auto stop = limit->stopped(write, charge.value())) assessment.findings.push_back(*std::move(stop));
      if (auto flow = limit->flow_charge(write, *resource, charge.value())) {
        (limit->enforced() ? assessment.charges : assessment.watched_flow).push_back(*std::move(flow));
      }
      if (!charge.value()) return;
      (limit->enforced() ? assessment.charges : assessment.watched).push_back(*std::move(charge).value());
    }
  };
  visit(by_resource_, resource_key(write.group, write.version, write.resource, write.ns),
        resource_key(write.group, write.version, write.resource, kAnyNamespace), assess_by);
  if (assessment.charges.empty() && assessment.watched_flow.empty()) return assessment;
  assessment.write.uid = Uid::parse(write.object->uid());
  assessment.write.name = name_id(write.ns, write.name.empty() ? write.object->name() : write.name);
  if (write.old_object != nullptr) {
    assessment.write.old_version = parse_revision(write.old_object->resource_version());
  }
  return assessment;
}

std::string_view LimitSet::namespace_of(TypeId type, const ObjectView& object) const {
  return of_namespaces_.contains(type) ? object.name() : object.ns();
}

Memberships LimitSet::memberships(TypeId type, std::string_view ns, const ObjectView& object) const {
  Memberships memberships;
  visit(by_type_, key_of(type, ns), key_of(type, kAnyNamespace),
        [&](const CompiledLimit* limit) { memberships.push_back(limit->membership(type, ns, object)); });
  return memberships;
}

std::vector<LimitId> LimitSet::candidates(TypeId type, std::string_view ns) const {
  std::vector<LimitId> ids;
  visit(by_type_, key_of(type, ns), key_of(type, kAnyNamespace),
        [&](const CompiledLimit* limit) { ids.push_back(limit->id()); });
  return ids;
}

std::vector<std::shared_ptr<const api::ScaleLimit>> LimitSet::objects() const {
  std::vector<std::shared_ptr<const api::ScaleLimit>> objects;
  objects.reserve(limits_.size());
  for (const auto& limit : limits_) objects.emplace_back(limit, &limit->limit());
  return objects;
}

const CompiledLimit* LimitSet::find(LimitId id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

}  // namespace headroom::limits
