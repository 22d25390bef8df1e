// Which limits there are, compiled and numbered: what the watches of limits and namespaces come to. No IO; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "operator/api/scale_limit.h"
#include "operator/kube/client.h"
#include "operator/limits/limit_set.h"

namespace headroom::webhook {

/// A resource type that limits look at.
struct WatchedType {
  limits::TypeId id = 0;
  kube::ResourceType type;
  bool bodies = false;  ///< limits look at more than the metadata

  bool operator==(const WatchedType&) const = default;
};

/// A namespace and its labels.
struct KnownNamespace {
  std::string name;
  std::map<std::string, std::string> labels;
};

using LimitPtr = std::shared_ptr<const limits::CompiledLimit>;

/// From one set of limits to the next.
struct LimitChange {
  std::shared_ptr<const limits::LimitSet> limits;
  std::vector<limits::LimitId> dropped;
  std::vector<limits::LimitId> dropped_flows;  ///< see CompiledLimit::flow(); they outlast changes of what is counted
  std::vector<LimitPtr> added;                 ///< under numbers that were never used before
  std::vector<LimitPtr> altered;               ///< under the number they had: what they count is the same
  std::vector<limits::LimitId> relisted;       ///< of those: they look at scales otherwise, and need a new list
  std::vector<WatchedType> types;
};

class LimitBook {
 public:
  /// Objects in the `excluded` namespaces are never gated nor counted.
  explicit LimitBook(std::vector<std::string> excluded) : excluded_(std::move(excluded)) {}

  /// What there is now. A limit whose selection has changed, or that was made anew, gets another number.
  /// `scaled`: see CompiledLimit.
  LimitChange update(const std::vector<std::shared_ptr<const api::ScaleLimit>>& limits,
                     const std::vector<std::shared_ptr<const KnownNamespace>>& namespaces,
                     const limits::ScaledFields& scaled = {});

 private:
  using LimitKey = std::tuple<api::LimitKind, std::string, std::string>;

  limits::TypeId number_of(const api::MatchedResource& resource);
  std::optional<limits::LimitId> flow_of(const api::ScaleLimit& limit);
  std::vector<limits::LimitId> forget_flows();
  LimitPtr compile(limits::LimitId id, const std::shared_ptr<const api::ScaleLimit>& limit,
                   const std::vector<std::shared_ptr<const KnownNamespace>>& namespaces,
                   const limits::ScaledFields& scaled);
  std::vector<WatchedType> watched_types() const;

  std::vector<std::string> excluded_;
  std::map<LimitKey, LimitPtr> limits_;
  std::vector<std::shared_ptr<const KnownNamespace>> namespaces_;  ///< of the last update
  limits::ScaledFields scaled_;                                    ///< the same
  std::map<std::string, limits::LimitId> flows_;                   ///< by uid
  std::vector<kube::ResourceType> types_;                          ///< by their numbers
  limits::LimitId last_id_ = 0;
};

}  // namespace headroom::webhook
