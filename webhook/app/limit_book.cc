#include "webhook/app/limit_book.h"

#include <algorithm>
#include <set>

namespace headroom::webhook {

using limits::CompiledLimit;
using limits::LimitId;
using limits::TypeId;

TypeId LimitBook::number_of(const api::MatchedResource& resource) {
  // The kind is for messages only, and no limit names it.
  const kube::ResourceType type{resource.group, resource.version, resource.resource, resource.resource,
                                resource.scope == api::MatchedResource::Scope::Namespaced};
  const auto known = std::ranges::find(types_, type);
  if (known == types_.end()) types_.push_back(type);
  return static_cast<TypeId>(std::ranges::find(types_, type) - types_.begin());
}

std::optional<LimitId> LimitBook::flow_of(const api::ScaleLimit& limit) {
  if (!limit.spec.rate && !limit.spec.concurrency) return std::nullopt;
  const auto [known, added] = flows_.try_emplace(limit.meta.uid, last_id_ + 1);
  if (added) ++last_id_;
  return known->second;
}

std::vector<LimitId> LimitBook::forget_flows() {
  std::set<LimitId> used;
  for (const auto& [key, limit] : limits_) {
    if (limit->flow()) used.insert(*limit->flow());
  }
  std::vector<LimitId> dropped;
  std::erase_if(flows_, [&](const auto& entry) {
    if (used.contains(entry.second)) return false;
    dropped.push_back(entry.second);
    return true;
  });
  return dropped;
}

LimitPtr LimitBook::compile(LimitId id, const std::shared_ptr<const api::ScaleLimit>& limit,
                            const std::vector<std::shared_ptr<const KnownNamespace>>& namespaces,
                            const limits::ScaledFields& scaled) {
  std::vector<TypeId> types;
  for (const api::MatchedResource& resource : limit->spec.match.resources) types.push_back(number_of(resource));
  std::vector<std::string> picked;
  if (limit->spec.match.namespaces) {
    for (const auto& one : namespaces) {
      const bool excluded = std::ranges::find(excluded_, one->name) != excluded_.end();
      if (!excluded && limit->spec.match.namespaces->matches(one->labels)) picked.push_back(one->name);
    }
    std::ranges::sort(picked);
  }
  return std::make_shared<const CompiledLimit>(id, limit, std::move(types), std::move(picked), excluded_,
                                               flow_of(*limit), scaled);
}

LimitChange LimitBook::update(const std::vector<std::shared_ptr<const api::ScaleLimit>>& limits,
                              const std::vector<std::shared_ptr<const KnownNamespace>>& namespaces,
                              const limits::ScaledFields& scaled) {
  LimitChange change;
  const bool same_surroundings = namespaces == namespaces_ && scaled == scaled_;
  namespaces_ = namespaces;
  scaled_ = scaled;
  std::map<LimitKey, LimitPtr> next;
  for (const auto& limit : limits) {
    const LimitKey key{limit->kind, limit->meta.ns, limit->meta.name};
    const auto former = limits_.find(key);
    const LimitPtr known = former == limits_.end() ? nullptr : former->second;
    if (known && same_surroundings && &known->limit() == limit.get()) {
      next.emplace(key, known);
      continue;
    }
    LimitPtr compiled = compile(known ? known->id() : ++last_id_, limit, namespaces, scaled);
    const bool same_count = known && known->terms().selection == compiled->terms().selection &&
                            known->watches_objects() == compiled->watches_objects();
    if (!same_count) {
      if (known) {
        change.dropped.push_back(known->id());
        compiled = compile(++last_id_, limit, namespaces, scaled);
      }
      change.added.push_back(compiled);
    } else if (&known->limit() == limit.get() && known->scaled_fields() == compiled->scaled_fields()) {
      compiled = known;
    } else {
      change.altered.push_back(compiled);
      if (!known->keeps_alike(*compiled)) change.relisted.push_back(compiled->id());
    }
    next.emplace(key, std::move(compiled));
  }
  for (const auto& [key, limit] : limits_) {
    if (!next.contains(key)) change.dropped.push_back(limit->id());
  }
  limits_ = std::move(next);
  change.dropped_flows = forget_flows();
  std::vector<LimitPtr> all;
  all.reserve(limits_.size());
  for (const auto& [key, limit] : limits_) all.push_back(limit);
  change.limits = std::make_shared<const limits::LimitSet>(std::move(all));
  change.types = watched_types();
  return change;
}

std::vector<WatchedType> LimitBook::watched_types() const {
  std::map<TypeId, WatchedType> types;
  for (const auto& [key, limit] : limits_) {
    if (!limit->watches_objects()) continue;
    for (const TypeId id : limit->types()) {
      WatchedType& watched = types.try_emplace(id, WatchedType{id, types_[id], false}).first->second;
      watched.bodies = watched.bodies || limit->needs_bodies();
    }
  }
  std::vector<WatchedType> all;
  for (auto& [id, watched] : types) all.push_back(std::move(watched));
  return all;
}

}  // namespace headroom::webhook
