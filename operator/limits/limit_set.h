// All limits at one moment, found quickly. Pure; immutable, so any thread: a change makes another set.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/limits/compiled_limit.h"
#include "operator/limits/reservations.h"

namespace headroom::limits {

/// What the limits say to a write, but for what is stored: that is the ledger's.
struct Assessment {
  Write write;
  Charges charges;                ///< under limits that are enforced, for Escrow::ask()
  Charges watched;                ///< under limits that warn or audit, for Escrow::judge()
  Charges watched_flow;           ///< the same, of flow, which is not the ledger's then
  std::vector<Finding> findings;  ///< of all modes; the first of an enforced limit refuses
};

class LimitSet {
 public:
  explicit LimitSet(std::vector<std::shared_ptr<const CompiledLimit>> limits);

  /// Calls `standing_of` only for reviews that do not show their object whole.
  Assessment assess(const AskedWrite& asked, StandingOf standing_of, SwitchIsOn switch_is_on) const;
  Assessment assess(const AskedWrite& write, const UsageCache& usage, SwitchIsOn switch_is_on) const;
  /// The namespace by which limits know an object. That of a Namespace is its own name, as reviews of it have it,
  /// although it is stored in none.
  std::string_view namespace_of(TypeId type, const ObjectView& object) const;
  /// What a stored object counts, with every limit that could match it.
  Memberships memberships(TypeId type, std::string_view ns, const ObjectView& object) const;
  /// The limits that could match an object of the type in the namespace.
  std::vector<LimitId> candidates(TypeId type, std::string_view ns) const;

  const CompiledLimit* find(LimitId id) const;
  const std::vector<std::shared_ptr<const CompiledLimit>>& limits() const { return limits_; }
  /// What they are made of, which lives as long as they do.
  std::vector<std::shared_ptr<const api::ScaleLimit>> objects() const;

 private:
  /// By a hash of what is looked for: whoever is found looks again.
  using Index = absl::flat_hash_map<std::size_t, std::vector<const CompiledLimit*>>;

  template <class Visit>
  static void visit(const Index& index, std::size_t in_namespace, std::size_t in_any, Visit visit);

  std::vector<std::shared_ptr<const CompiledLimit>> limits_;
  absl::flat_hash_map<LimitId, const CompiledLimit*> by_id_;
  Index by_resource_, by_type_;
  absl::flat_hash_set<TypeId> of_namespaces_;
};

}  // namespace headroom::limits
