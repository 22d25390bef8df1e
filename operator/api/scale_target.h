// ScaleTarget (namespaced, `st`): one thing whose size Headroom may change, in one region. Structs and JSON, no IO.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/object.h"
#include "operator/api/region.h"
#include "operator/base/boxed.h"
#include "operator/base/quantity.h"
#include "operator/base/result.h"

namespace headroom::api {

enum class SuspendMode { None, Hold, Restore };
enum class Role { Workload, ReadReplica };

struct TargetRef {
  std::string api_version, kind, name;
  bool operator==(const TargetRef&) const = default;
};

/// What must hold when the target is a set of read replicas of a database.
struct ReadReplicaPolicy {
  enum class Counts { Replicas, Instances };
  enum class ScaleDown { Manual, Automatic };
  struct LagGuard {
    std::string query;  ///< PromQL, seconds
    absl::Duration freeze_above = absl::Seconds(60);
    bool operator==(const LagGuard&) const = default;
  };
  int floor = 0;                     ///< quorum; never below it, in the unit that the written field counts
  Counts counts = Counts::Replicas;  ///< Instances: the written number includes the primary
  int max_step = 1;                  ///< at most so many clones at a time
  ScaleDown scale_down = ScaleDown::Manual;
  Boxed<LagGuard> lag_guard;
  bool operator==(const ReadReplicaPolicy&) const = default;
};

struct LearnedBaselineSpec {
  enum class Statistic { Max, P95 };
  Statistic statistic = Statistic::P95;
  absl::Duration window = absl::Hours(7 * 24);  ///< at most 30 days
  bool operator==(const LearnedBaselineSpec&) const = default;
};

struct TargetReplicas {
  int min = 1;
  int max = 1;
  std::optional<int> baseline;  ///< absent and not learned: the original size
  Boxed<LearnedBaselineSpec> learn;
  bool operator==(const TargetReplicas&) const = default;
};

/// JSON that is passed through unread, as compact text: `nlohmann::json::parse(text)` gives the value. Text, so that
/// specs compare and copy cheaply and this header does not pull in the JSON library.
struct JsonText {
  std::string text;  ///< empty when the field is absent
  bool empty() const { return text.empty(); }
  bool operator==(const JsonText&) const = default;
};

enum class EngineType { HorizontalPodAutoscaler, ScaledObject, Scale, Field, Advise };

struct Engine {
  enum class ZeroPolicy { Respect, Raise };
  EngineType type = EngineType::HorizontalPodAutoscaler;
  /// HorizontalPodAutoscaler and ScaledObject: the object to adopt; empty: the one that scales targetRef.
  std::string name;
  /// HorizontalPodAutoscaler: make one of our own (named as the ScaleTarget) from `metrics` and `behavior`, passed
  /// through as autoscaling/v2. Without metrics: adopt.
  JsonText metrics, behavior;
  std::string field_path;                                ///< Field: ".spec.instances"
  ZeroPolicy when_scaled_to_zero = ZeroPolicy::Respect;  ///< Raise: a workload standing at 0 is raised to 1
  bool owns_autoscaler() const { return type == EngineType::HorizontalPodAutoscaler && !metrics.empty(); }
  bool operator==(const Engine&) const = default;
};

struct Follow {
  std::string target;  ///< a ScaleTarget in the same namespace, in any region
  Quantity ratio = Quantity::from_int(1);
  bool operator==(const Follow&) const = default;
};

/// A number of pods or a percentage of the present size; with both the larger, as HPA's selectPolicy Max.
struct Step {
  int pods = 0;
  int percent = 0;
  bool operator==(const Step&) const = default;
};

/// Scale on what an HPA cannot express: steps while a query stands above or below a bound for long enough.
struct ScaleRule {
  std::string name;
  std::string query;
  std::optional<Quantity> above, below;
  absl::Duration hold_for = absl::ZeroDuration();  ///< `for`
  Step step;
  absl::Duration cooldown = absl::Minutes(5);
  bool operator==(const ScaleRule&) const = default;
};

struct RampLimit {
  Step step;
  absl::Duration period = absl::Minutes(1);
  bool operator==(const RampLimit&) const = default;
};

struct WarmUp {
  absl::Duration estimate = absl::ZeroDuration();
  bool learn = false;
  bool operator==(const WarmUp&) const = default;
};

struct Consumption {
  std::string name;  ///< a dimension of the region's capacity
  Quantity per_replica;
  bool operator==(const Consumption&) const = default;
};

struct Requirements {
  std::vector<std::string> compliance;
  std::optional<RegionSpec::DataResidency> residency;
  bool operator==(const Requirements&) const = default;
};

struct Cost {
  Quantity per_replica_hour;
  std::string currency;
  bool operator==(const Cost&) const = default;
};

struct ScaleTargetSpec {
  std::string region = kLocalRegion;
  TargetRef target_ref;
  Role role = Role::Workload;
  ReadReplicaPolicy read_replica;
  TargetReplicas replicas;
  Engine engine;
  Boxed<Follow> follow;
  std::vector<ScaleRule> rules;
  Boxed<RampLimit> ramp_up, ramp_down;
  WarmUp warm_up;
  std::vector<Consumption> consumes;
  Requirements requirements;
  Boxed<Cost> cost;
  SuspendMode suspend = SuspendMode::None;
  int priority = 0;  ///< who gives way first when a region is full; lower goes first
  bool operator==(const ScaleTargetSpec&) const = default;
};

/// The sizes an object had before Headroom touched it. For engines without bounds min equals max.
struct Originals {
  int min = 0;
  int max = 0;
  std::string uid;  ///< of the overridden object; another uid means fresh originals
  bool operator==(const Originals&) const = default;
};

/// One line of "why this size": a contribution or a cap, in the order in which they were applied.
struct Reason {
  enum class Kind {
    Original,
    Schedule,
    Held,
    Rule,
    Follow,
    Ramp,
    Floor,
    Minimum,
    Maximum,
    RegionCapacity,
    LagGuard,
    Suspended,
    AwaitingApproval,
    AllowDecrease
  };
  Kind kind = Kind::Original;
  int size = 0;        ///< the size after this step
  std::string source;  ///< schedule, rule, leader or region; empty where there is none
  std::string text;    ///< "diwali: 5 x 30 = 150, capped by max 100"
  bool operator==(const Reason&) const = default;
};
const char* to_string(Reason::Kind kind);

/// A phase whose lead has begun for this target; once here the instant holds, however the lead changes later.
struct StartedLead {
  std::string schedule, occurrence, phase;
  absl::Time at;
  bool operator==(const StartedLead&) const = default;
};

/// Patch-to-ready times of steps of about one size (powers of two).
struct WarmUpSamples {
  int step = 1;              ///< 1, 2, 4, 8, … : steps in (step/2, step]
  std::vector<int> seconds;  ///< newest last, at most 20
  bool operator==(const WarmUpSamples&) const = default;
};

/// What the rules of a target have made of it so far.
struct RuleProgress {
  struct Entry {
    std::string name;
    std::optional<absl::Time> above_since, below_since, last_step;
    std::string value;  ///< last answer, for people
    bool operator==(const Entry&) const = default;
  };
  std::optional<int> size;  ///< absent until a rule first steps
  std::vector<Entry> entries;
  bool operator==(const RuleProgress&) const = default;
};

/// Hourly sizes seen outside overrides, oldest first; what a learned baseline is drawn from. In JSON `hourly` is run
/// lengths in one string ("30*120 45*3 30"): thirty days would be 720 lines of YAML otherwise.
struct BaselineSamples {
  std::vector<int> hourly;         ///< at most 720
  std::optional<absl::Time> last;  ///< the hour of the newest
  bool operator==(const BaselineSamples&) const = default;
};

/// A person or a program wrote a field while Headroom held it.
struct Contest {
  int value = 0;
  std::string manager;
  int times = 0;
  absl::Time last;
  bool operator==(const Contest&) const = default;
};

struct ScaleTargetStatus {
  std::int64_t observed_generation = 0;
  std::vector<Condition> conditions;
  std::optional<int> current, ready, desired;
  std::optional<int> bounds_min, bounds_max;
  std::string decided_by;  ///< "FestivalSchedule/<name> <phase>", "Original", "Rule/<name>", …
  std::vector<Reason> explanation;
  std::optional<Originals> originals;
  std::optional<int> in_force;  ///< the last size written, which ramps and holds start from
  std::optional<absl::Time> in_force_since;
  std::optional<int> baseline;
  std::optional<int> approved_size;  ///< ReadReplica Manual: the size a person has approved
  std::vector<StartedLead> started_leads;
  std::vector<WarmUpSamples> warm_up;
  RuleProgress rules;
  BaselineSamples samples;
  Boxed<Contest> contest;
  std::optional<absl::Time> next_transition;
  std::string selector;  ///< pods of the workload, for kubectl and dashboards
  bool operator==(const ScaleTargetStatus&) const = default;
};

struct ScaleTarget {
  ObjectMeta meta;
  ScaleTargetSpec spec;
  ScaleTargetStatus status;
};

/// The object as the API server sends it. InvalidArgument names the path of what is wrong, its value and the remedy;
/// explanation entries of a kind that this version does not know are left out.
Result<ScaleTarget> scale_target_from_json(const nlohmann::json& object);
/// The whole `status`; what says nothing is left out. Read back it equals `status` (times to the microsecond).
nlohmann::json to_json(const ScaleTargetStatus& status);

}  // namespace headroom::api
