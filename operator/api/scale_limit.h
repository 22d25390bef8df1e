// ScaleLimit (namespaced, `sl`) and ClusterScaleLimit (cluster-scoped, `csl`): a hard bound on what may be written.
// Both have one spec and one status. Structs and their JSON. No IO.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/json_path.h"
#include "operator/api/object.h"
#include "operator/api/region.h"
#include "operator/base/boxed.h"
#include "operator/base/quantity.h"
#include "operator/base/result.h"

namespace headroom::api {

/// Names of the dimensions that are not named by the user; `sums` and `observed` may not take them.
inline constexpr char kCountDimension[] = "count";
inline constexpr char kRateDimension[] = "rate";
inline constexpr char kConcurrencyDimension[] = "concurrency";

enum class LimitKind { ScaleLimit, ClusterScaleLimit };
/// As `kind` spells it.
const char* to_string(LimitKind kind);

/// Of an admission review, and of a webhook rule.
enum class Operation { Create, Update, Delete };
/// "CREATE", "UPDATE", "DELETE".
const char* to_string(Operation operation);

/// Objects of one resource type. The version is the one whose paths are read, and which is cached; writes through other
/// versions are converted to it by the API server (matchPolicy Equivalent).
struct MatchedResource {
  enum class Scope { Namespaced, Cluster };
  std::string group;  ///< empty for the core group
  std::string version, resource;
  std::vector<std::string> subresources;  ///< writes that count besides those of the object itself: "scale", "status"
  std::vector<Operation> operations = {Operation::Create, Operation::Update};
  Scope scope = Scope::Namespaced;
  bool operator==(const MatchedResource&) const = default;
};

/// A condition on one field of the matched object. Strings compare as they are; numbers and booleans by their JSON
/// text. A field that is absent or null is not In anything, and NotIn everything.
struct FieldRequirement {
  using Operator = LabelSelector::Requirement::Operator;
  JsonPath path;  ///< without "[*]"
  Operator op = Operator::In;
  std::vector<std::string> values;  ///< empty with Exists and DoesNotExist
  bool operator==(const FieldRequirement&) const = default;
};

/// Which writes a limit judges, and which stored objects it counts. All parts must hold.
struct LimitMatch {
  std::vector<MatchedResource> resources;  ///< empty only where the limit has nothing but `observed`
  std::optional<LabelSelector> labels;     ///< absent: every object
  std::vector<FieldRequirement> fields;
  std::optional<LabelSelector> namespaces;  ///< ClusterScaleLimit only; absent: every namespace
  bool operator==(const LimitMatch&) const = default;
};

/// A bound on one field of each object.
struct FieldCap {
  std::string name;
  JsonPath path;  ///< with "[*]" each of the values is held against `max`
  Quantity max;
  int code = 413;       ///< of the refusal: 403 or 413
  std::string message;  ///< told to the client besides the figures; may be empty
  QuantityFormat format = QuantityFormat::DecimalSI;
  bool operator==(const FieldCap&) const = default;
};

/// Bounds on each object by itself.
struct ObjectLimit {
  std::optional<int> max_bytes;  ///< of its compact JSON, managedFields left out
  std::vector<FieldCap> fields;
  std::optional<int> max_replicas;  ///< `spec.replicas`, of the object and of its `/scale`
  bool operator==(const ObjectLimit&) const = default;
};

/// A bound on the sum of one field over all matched objects.
struct SumLimit {
  std::string name;  ///< of the dimension
  JsonPath path;     ///< with "[*]" all the values are added; an absent field adds nothing
  Quantity hard;
  QuantityFormat format = QuantityFormat::DecimalSI;
  bool operator==(const SumLimit&) const = default;
};

/// Bounds on all matched objects together.
struct TotalLimit {
  std::optional<std::int64_t> count;  ///< objects stored, terminating ones included
  std::vector<SumLimit> sums;
  bool operator==(const TotalLimit&) const = default;
};

/// A bound on admitted writes per time: within any time t, burst + writesPerSecond × t of them, over all replicas of
/// the webhook. Deletes, dry runs, and updates that change nothing or only lower what is stored are not among them.
/// With mode Warn and Audit no ledger is asked: each replica judges by an even share, by what went through itself.
struct RateLimit {
  int writes_per_second = 1;
  int burst = 1;  ///< what may come at once after a rest; one second's worth unless said otherwise
  bool operator==(const RateLimit&) const = default;
};

/// A bound on writes in progress, over all replicas of the webhook: from admission until seen in the watch, or
/// `assume_done_after`. The same writes as for a rate, and judged alike with mode Warn and Audit.
struct ConcurrencyLimit {
  /// Writes beyond `max` wait here in order, for four seconds at most whatever the timeout. Without one they are
  /// refused as soon as it is known that no replica has a place to spare.
  struct Queue {
    int length = 0;
    absl::Duration timeout = absl::Seconds(3);  ///< inside the webhook's own of 5 s
    bool operator==(const Queue&) const = default;
  };
  int max = 1;
  int resume_below = 1;  ///< once `max` was reached, nothing new starts until fewer than this are in progress
  std::optional<Queue> queue;
  absl::Duration assume_done_after = absl::Seconds(10);
  bool operator==(const ConcurrencyLimit&) const = default;
};

/// A dimension whose use Prometheus tells. It refuses nothing by itself; its thresholds may.
struct ObservedLimit {
  std::string name;   ///< of the dimension
  std::string query;  ///< PromQL that answers with one value, in the unit of `hard`
  Quantity hard;
  std::string region = kLocalRegion;               ///< whose Prometheus answers
  absl::Duration hold_for = absl::ZeroDuration();  ///< `for`: a threshold counts once it was crossed for so long
  QuantityFormat format = QuantityFormat::DecimalSI;
  bool operator==(const ObservedLimit&) const = default;
};

enum class LimitLevel { Green, Yellow, Orange, Red };  ///< in ascending order; Green is below all thresholds
const char* to_string(LimitLevel level);

/// What a crossed threshold does. None: shows its level. Notify: tells. PauseWrites: tells, and writes that raise use
/// get 429. Halt: tells, and they get 503. Writes that lower use always pass.
enum class LimitAction { None, Notify, PauseWrites, Halt };
const char* to_string(LimitAction action);

/// Who must act on a crossed threshold, and how soon.
struct Escalation {
  std::vector<std::string> to;  ///< receivers, by their names in the operator's configuration
  absl::Duration within = absl::ZeroDuration();
  std::string message;  ///< for the receivers, and for clients whose writes are paused or halted
  bool operator==(const Escalation&) const = default;
};

/// Crossed while used × 100 ≥ percent × hard, in exact arithmetic.
struct Threshold {
  std::string name;
  std::string dimension;  ///< empty: every dimension
  int percent = 100;
  LimitLevel level = LimitLevel::Yellow;
  LimitAction action = LimitAction::None;
  Boxed<Escalation> escalation;
  /// Whether it speaks of this dimension.
  bool covers(const std::string& name_of_dimension) const {
    return dimension.empty() || dimension == name_of_dimension;
  }
  bool operator==(const Threshold&) const = default;
};

/// A value of a ConfigMap's key, as FestivalSchedules and people set it.
struct SwitchCondition {
  std::string ns;  ///< of the ConfigMap: a ScaleLimit's own namespace
  std::string config_map, key, value;
  bool operator==(const SwitchCondition&) const = default;
};

/// Refuses the matched writes outright.
struct DenyRule {
  std::string name;
  std::optional<SwitchCondition> while_switch;  ///< absent: always
  std::vector<Operation> operations = {Operation::Create};
  int code = 403;  ///< of the refusal: 403, 429 or 503
  std::string message;
  bool operator==(const DenyRule&) const = default;
};

struct ScaleLimitSpec {
  /// What becomes of a write that is over the limit: refused, let through with a warning, or only counted.
  enum class Mode { Enforce, Warn, Audit };
  /// What becomes of writes that no webhook replica can judge.
  enum class Unavailable { Fail, Ignore };
  LimitMatch match;
  ObjectLimit object;
  TotalLimit total;
  std::optional<RateLimit> rate;
  std::optional<ConcurrencyLimit> concurrency;
  std::vector<ObservedLimit> observed;
  std::vector<Threshold> thresholds;
  std::vector<DenyRule> deny;
  Mode mode = Mode::Enforce;
  Unavailable unavailable = Unavailable::Fail;
  bool operator==(const ScaleLimitSpec&) const = default;
};
const char* to_string(ScaleLimitSpec::Mode mode);

/// A dimension and its bound. What is used of it is written in the family of the bound.
struct LimitDimension {
  enum class Kind { Count, Sum, Rate, Concurrency, Observed };
  Kind kind = Kind::Count;
  std::string name;
  Quantity hard;
  QuantityFormat format = QuantityFormat::DecimalSI;
  bool operator==(const LimitDimension&) const = default;
};
/// All dimensions, in the order of the spec: count, sums, rate, concurrency, observed.
std::vector<LimitDimension> dimensions_of(const ScaleLimitSpec& spec);

/// One row of "how full is it".
struct DimensionStatus {
  std::string name;
  std::optional<Quantity> used;  ///< absent while it is not known: before the first count, or without an answer
  Quantity hard;
  std::optional<int> percent;  ///< of `hard`, rounded down
  LimitLevel level = LimitLevel::Green;
  Quantity held;  ///< admitted but not yet seen stored, or in progress
  QuantityFormat format = QuantityFormat::DecimalSI;
  /// By value: "1Ki" and "1024" are the same amount.
  bool operator==(const DimensionStatus& other) const {
    return name == other.name && used == other.used && hard == other.hard && percent == other.percent &&
           level == other.level && held == other.held;
  }
};

/// A threshold that one dimension has crossed.
struct CrossedThreshold {
  enum class State { Pending, Crossed };  ///< Pending: not yet for as long as `for` asks
  std::string threshold, dimension;
  State state = State::Crossed;
  absl::Time since;
  std::optional<absl::Time> due;  ///< by when the escalation must be answered; absent without one
  bool operator==(const CrossedThreshold&) const = default;
};

/// Why writes are paused or halted.
struct WriteStop {
  absl::Time since;
  std::string dimension;
  std::string reason;   ///< CamelCase, or the threshold's name
  std::string message;  ///< for people
  bool operator==(const WriteStop&) const = default;
};

/// Denials of one cause.
struct DenialStatus {
  std::string reason;     ///< CamelCase: "OverQuota", "TooLarge", "Paused", …
  std::string dimension;  ///< dimension, field cap or deny rule; may be empty
  std::int64_t count = 0;
  std::string last_message;
  absl::Time last_time;
  bool operator==(const DenialStatus&) const = default;
};
inline constexpr std::size_t kMostDenials = 16;  ///< rows in status; the largest counts stay
/// Rows in status: of 32 thresholds each that all of 35 dimensions may have crossed.
inline constexpr std::size_t kMostCrossedThresholds = 1120;

struct ScaleLimitStatus {
  enum class Backstop {
    Inactive,
    Active
  };  ///< Active: the generated policy enforces pause and halt, no webhook being ready
  std::int64_t observed_generation = 0;
  std::vector<Condition> conditions;     ///< Ready, Enforced, …
  LimitLevel level = LimitLevel::Green;  ///< the highest of the dimensions
  std::vector<DimensionStatus> dimensions;
  std::vector<CrossedThreshold> thresholds;
  Boxed<WriteStop> paused, halted;
  std::vector<DenialStatus> denials;
  Backstop backstop = Backstop::Inactive;
  std::vector<std::string> excluded_namespaces;  ///< neither gated nor counted
  bool operator==(const ScaleLimitStatus&) const = default;
};

/// An object of either kind.
struct ScaleLimit {
  LimitKind kind = LimitKind::ScaleLimit;
  ObjectMeta meta;
  ScaleLimitSpec spec;
  ScaleLimitStatus status;
};

/// The object as the API server sends it. InvalidArgument names the path of what is wrong, its value and the remedy.
Result<ScaleLimit> scale_limit_from_json(const nlohmann::json& object);
Result<ScaleLimit> cluster_scale_limit_from_json(const nlohmann::json& object);
/// The whole `status`; what says nothing is left out. Read back it equals `status` (times to the microsecond).
nlohmann::json to_json(const ScaleLimitStatus& status);

}  // namespace headroom::api
