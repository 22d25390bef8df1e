// What every Kubernetes object shares: identity, metadata, conditions, label selectors. Plain values without IO.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/time/time.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace headroom::api {

inline constexpr char kGroup[] = "headroom.dev";
inline constexpr char kVersion[] = "v1alpha1";
/// The one field manager of every write, documented so that GitOps tools can ignore by it.
inline constexpr char kFieldManager[] = "headroom";
inline constexpr char kFinalizer[] = "headroom.dev/restore";
/// Kept on an overridden object: what it said before, so that it can be put back. See overrides.h.
inline constexpr char kOriginalAnnotation[] = "headroom.dev/original";
/// On a ScaleTarget: approves the removal of read replicas down to this size.
inline constexpr char kApproveScaleDownAnnotation[] = "headroom.dev/approve-scale-down";
/// On an object that is being deleted: give up putting back, or tidying up, in unreachable regions.
inline constexpr char kForceDeleteAnnotation[] = "headroom.dev/force-delete";

/// Namespace and name; the namespace is empty for cluster-scoped objects.
struct ObjectKey {
  std::string ns;
  std::string name;

  auto operator<=>(const ObjectKey&) const = default;
  /// "ns/name", or "name" when cluster-scoped.
  std::string to_string() const;
};

struct OwnerReference {
  std::string api_version, kind, name, uid;
  bool controller = false;
};

/// One entry of managedFields that owns a field Headroom also writes; only kept where a projection asks for it.
struct FieldManager {
  std::string name, operation, subresource;
};

struct ObjectMeta {
  std::string ns, name, uid, resource_version;
  std::int64_t generation = 0;
  std::optional<absl::Time> created, deleted;  ///< `deleted`: deletionTimestamp
  std::map<std::string, std::string> labels, annotations;
  std::vector<std::string> finalizers;
  std::vector<OwnerReference> owners;

  ObjectKey key() const { return {ns, name}; }
  bool has_finalizer(std::string_view finalizer) const;
  /// The owner with controller=true, or null.
  const OwnerReference* controller() const;
};

ObjectMeta meta_from_json(const nlohmann::json& object);

/// metav1.Condition.
struct Condition {
  std::string type;
  bool status = false;  ///< True or False; Unknown is not used
  std::string reason;   ///< CamelCase, never empty
  std::string message;  ///< for a tired operator: what, how much, what to do
  std::int64_t observed_generation = 0;
  absl::Time last_transition;

  bool operator==(const Condition&) const = default;
};

/// Sets or replaces the condition of that type; last_transition moves only when the status changes. Messages longer
/// than the 32768 bytes that metav1.Condition allows are cut.
void set_condition(std::vector<Condition>& conditions, Condition condition);
void remove_condition(std::vector<Condition>& conditions, std::string_view type);
const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type);
nlohmann::json to_json(const std::vector<Condition>& conditions);
std::vector<Condition> conditions_from_json(const nlohmann::json& list);

/// metav1.LabelSelector. An absent selector matches nothing, an empty one everything; the caller tells them apart by
/// std::optional.
struct LabelSelector {
  struct Requirement {
    enum class Operator { In, NotIn, Exists, DoesNotExist };
    std::string key;
    Operator op = Operator::In;
    std::vector<std::string> values;
    bool operator==(const Requirement&) const = default;
  };
  std::map<std::string, std::string> match_labels;
  std::vector<Requirement> match_expressions;

  bool matches(const std::map<std::string, std::string>& labels) const;
  /// The value of a label; nullopt where there is none.
  using LabelLookup = absl::FunctionRef<std::optional<std::string_view>(std::string_view key)>;
  bool matches(LabelLookup label_of) const;
  bool operator==(const LabelSelector&) const = default;
};

Result<LabelSelector> selector_from_json(const nlohmann::json& selector, const std::string& path);

}  // namespace headroom::api

template <>
struct std::hash<headroom::api::ObjectKey> {
  std::size_t operator()(const headroom::api::ObjectKey& key) const noexcept {
    return std::hash<std::string>{}(key.ns) * 1'000'003 ^ std::hash<std::string>{}(key.name);
  }
};
