// A limit, ready to judge writes and to count objects by. Pure; immutable, so any thread.
#pragma once

#include <absl/functional/function_ref.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "operator/api/scale_limit.h"
#include "operator/base/result.h"
#include "operator/limits/amounts.h"
#include "operator/limits/identity.h"
#include "operator/limits/limit_account.h"
#include "operator/limits/object_view.h"
#include "operator/limits/reservations.h"
#include "operator/limits/scaled_field.h"
#include "operator/limits/usage_cache.h"

namespace headroom::limits {

/// What a review asks, as far as limits care. Views live as long as the review.
struct AskedWrite {
  api::Operation operation = api::Operation::Create;
  std::string_view group, version, resource, sub_resource, ns, name;
  const ObjectView* object = nullptr;      ///< null for a delete
  const ObjectView* old_object = nullptr;  ///< null for a create
  std::string_view user{};
};

/// Whether it goes to the object's `/scale`.
inline bool is_scale(const AskedWrite& write) { return write.sub_resource == "scale"; }

/// What stands against a write, whatever else is stored.
struct Finding {
  const api::ScaleLimit* limit = nullptr;
  int code = 403;
  std::string reason;     ///< CamelCase: "TooLarge", "OverCap", "Denied", "NotCountable", "NotSeen", "Paused", "Halted"
  std::string dimension;  ///< field cap, sum or deny rule
  std::string message;    ///< names limit, field, value and bound
};

/// What is known of an object whose review does not show it whole (`/scale`); see UsageCache::standing().
using StandingOf = absl::FunctionRef<Standing(LimitId limit, TypeId type, const Uid& object, Revision version)>;

/// Of a `/scale` of which it cannot be told whether a limit counts its object: TooManyRequests, as it soon can.
Error not_seen();

/// For how long a write takes up one of the `burst` units of a rate (see flow_use.h).
absl::Duration rate_window(const api::RateLimit& rate);

/// Whether the switch of a deny rule is on.
using SwitchIsOn = absl::FunctionRef<bool(const api::SwitchCondition&)>;

/// Whether a limit's match names the `/scale` of the resource.
inline bool has_scale(const api::MatchedResource& resource) {
  return std::ranges::find(resource.subresources, "scale") != resource.subresources.end();
}

/// Unknown: of a `/scale`, as the cache has not seen its object as it is.
enum class Selected { No, Yes, Unknown };

class CompiledLimit {
 public:
  /// `types` numbers the resources of the match, in their order; `namespaces` are those that the limit's namespace
  /// selector picks now, sorted (not looked at without one); `excluded` are never gated nor counted.
  /// `flow` is what the ledger knows its rate and concurrency by; without one they are not looked at. `scaled` says
  /// what custom resources call the number that their `/scale` writes; where it is not known, a Scale is taken to write
  /// every field of the spec that it might.
  CompiledLimit(LimitId id, std::shared_ptr<const api::ScaleLimit> limit, std::vector<TypeId> types,
                std::vector<std::string> namespaces, std::vector<std::string> excluded,
                std::optional<LimitId> flow = std::nullopt, const ScaledFields& scaled = {});

  LimitId id() const { return id_; }
  /// Null where the limit bounds neither rate nor concurrency.
  std::optional<LimitId> flow() const { return flow_; }
  const api::ScaleLimit& limit() const { return *limit_; }
  bool enforced() const { return limit_->spec.mode == api::ScaleLimitSpec::Mode::Enforce; }
  /// Whether it has dimensions in the ledger: counts what is stored.
  bool counts_objects() const { return !ledger_dimensions_.empty(); }
  /// Whether its objects are to be watched: to count them, to see writes end, or because reviews of `/scale` do not
  /// show whether it selects the object.
  bool watches_objects() const;
  /// The dimensions of the ledger: the count, if any, then the sums.
  const std::vector<api::LimitDimension>& ledger_dimensions() const { return ledger_dimensions_; }
  /// Whether the first of them is the number of objects.
  bool has_count() const { return limit_->spec.total.count.has_value(); }
  const std::vector<TypeId>& types() const { return types_; }
  /// Whether the cache needs more of an object than its metadata.
  bool needs_bodies() const;
  /// For the ledger: `selection` is equal while what is counted is the same.
  LimitTerms terms() const;
  /// The same of flow(): how many writes at once, and how many within a window.
  LimitTerms flow_terms() const;

  bool covers_namespace(std::string_view ns) const;
  /// By resource of the match.
  const std::vector<ScaledField>& scaled_fields() const { return scaled_; }
  /// The resources whose `/scale` is charged to more than it may write, as it is not known what it writes.
  std::vector<std::size_t> scaled_blindly() const;
  /// What a stored object counts. A field that is no quantity, or is negative, counts nothing.
  Membership membership(TypeId type, std::string_view ns, const ObjectView& object) const;

  /// The resource of the match that this write goes through, by its index; null where none, or not by this operation.
  std::optional<std::size_t> resource_of(const AskedWrite& write) const;
  /// Whether the object is within the limit's selectors, as the write leaves it.
  Selected selects(const AskedWrite& write, std::size_t resource, StandingOf standing_of) const;
  /// Whether an update takes its object out of the limit's selectors.
  bool leaves(const AskedWrite& write) const;
  /// Whether the cache keeps the same of each object for this one; of two with equal selections.
  bool keeps_alike(const CompiledLimit& other) const;
  /// The deny rules that refuse it; the write is of an object that the limit selects, or selected until now.
  std::vector<Finding> denials(const AskedWrite& write, SwitchIsOn switch_is_on) const;
  /// What the write breaks by itself; the write is one that the limit selects. Writes of objects that were under the
  /// limit before and that lower what they break pass.
  std::vector<Finding> findings(const AskedWrite& write, std::size_t resource, SwitchIsOn switch_is_on) const;
  /// Why it has to wait while the limit's status says that writes are paused or halted; `charge` is what it adds.
  /// Writes that add nothing pass.
  std::optional<Finding> stopped(const AskedWrite& write, const std::optional<Charge>& charge) const;
  /// What it may add to what is stored; empty where nothing. InvalidArgument for a field that cannot be counted,
  /// TooManyRequests for a scale of which it cannot be told before the cache has seen the object as it is.
  Result<std::optional<Charge>> charge(const AskedWrite& write, std::size_t resource, StandingOf standing_of) const;
  /// One write of its flow; the write is one that the limit selects, and `charge` is what it adds to what is stored.
  /// Empty for deletes, updates that change nothing but managedFields, and those that only lower what is stored.
  std::optional<Charge> flow_charge(const AskedWrite& write, std::size_t resource,
                                    const std::optional<Charge>& charge) const;

 private:
  bool matches(const ObjectView& object) const;
  bool matches_but_for_scale(const ObjectView& object, std::size_t resource) const;
  bool has_selectors() const { return limit_->spec.match.labels || !limit_->spec.match.fields.empty(); }
  std::string selection() const;
  bool lowers(const AskedWrite& write, std::size_t resource) const;
  /// The object before the write where it was under the limit then, else null.
  const ObjectView* former(const AskedWrite& write) const;
  /// The findings of fields and replicas.
  void hold_against_caps(const AskedWrite& write, std::size_t resource, std::vector<Finding>& findings) const;

  // Of writes to `/scale`:

  /// Whether it decides by itself what the limit selects.
  bool selects_by_scale(std::size_t resource) const;
  /// Whether an object of which the Scale shows the number may be, and whether it surely was, selected as far as that
  /// number goes.
  bool may_select(const ObjectView& scale, std::size_t resource) const;
  /// Whether the selectors look at nothing that a Scale does not show.
  bool shown_by_scale(std::size_t resource) const;
  bool surely_selected(const ObjectView& scale, std::size_t resource) const;
  Standing standing_of_scaled(const AskedWrite& write, std::size_t resource, StandingOf standing_of) const;
  Result<std::optional<Charge>> charge_of_scale(const AskedWrite& write, std::size_t resource,
                                                StandingOf standing_of) const;

  LimitId id_;
  std::shared_ptr<const api::ScaleLimit> limit_;
  std::vector<TypeId> types_;
  std::vector<std::string> namespaces_, excluded_;
  std::optional<LimitId> flow_;
  std::vector<ScaledField> scaled_;
  std::vector<api::LimitDimension> ledger_dimensions_;
};

}  // namespace headroom::limits
