#include "operator/api/scale_limit.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/api/json_reader.h"
#include "operator/api/label_selector.h"
#include "operator/api/scale_limit_names.h"
#include "operator/api/scale_limit_status.h"

namespace headroom::api {
namespace {

/// The API server refuses larger bodies, whatever a limit says.
constexpr int kMostBytes = 3 * 1024 * 1024;
constexpr int kMostReplicas = 1'000'000;
constexpr int kMostAtOnce = 1'000'000;

constexpr EnumName<Operation> kOperations[] = {
    {Operation::Create, "CREATE"}, {Operation::Update, "UPDATE"}, {Operation::Delete, "DELETE"}};
constexpr EnumName<MatchedResource::Scope> kScopes[] = {{MatchedResource::Scope::Namespaced, "Namespaced"},
                                                        {MatchedResource::Scope::Cluster, "Cluster"}};
constexpr EnumName<FieldRequirement::Operator> kFieldOperators[] = {
    {FieldRequirement::Operator::In, "In"},
    {FieldRequirement::Operator::NotIn, "NotIn"},
    {FieldRequirement::Operator::Exists, "Exists"},
    {FieldRequirement::Operator::DoesNotExist, "DoesNotExist"}};
constexpr EnumName<LimitLevel> kThresholdLevels[] = {
    {LimitLevel::Yellow, "Yellow"}, {LimitLevel::Orange, "Orange"}, {LimitLevel::Red, "Red"}};
constexpr EnumName<LimitAction> kActions[] = {{LimitAction::None, "None"},
                                              {LimitAction::Notify, "Notify"},
                                              {LimitAction::PauseWrites, "PauseWrites"},
                                              {LimitAction::Halt, "Halt"}};
constexpr EnumName<ScaleLimitSpec::Mode> kModes[] = {{ScaleLimitSpec::Mode::Enforce, "Enforce"},
                                                     {ScaleLimitSpec::Mode::Warn, "Warn"},
                                                     {ScaleLimitSpec::Mode::Audit, "Audit"}};
constexpr EnumName<ScaleLimitSpec::Unavailable> kUnavailables[] = {{ScaleLimitSpec::Unavailable::Fail, "Fail"},
                                                                   {ScaleLimitSpec::Unavailable::Ignore, "Ignore"}};

JsonPath read_path(const JsonReader& reader) {
  const std::string text = reader.required_text("path");
  if (text.empty()) return {};
  Result<JsonPath> path = JsonPath::parse(text);
  if (!path) reader.fail("path", path.error().message);
  return path ? std::move(path).value() : JsonPath();
}

Quantity read_hard(const JsonReader& reader, const char* field) {
  const Quantity hard = reader.required_quantity(field);
  if (hard < Quantity()) reader.fail(field, "must not be negative");
  return hard;
}

std::vector<Operation> read_operations(const JsonReader& reader, std::vector<Operation> fallback) {
  return reader.has("operations") ? reader.choices("operations", kOperations) : std::move(fallback);
}

MatchedResource read_resource(const JsonReader& reader, LimitKind kind) {
  MatchedResource resource;
  resource.group = reader.text("group");
  resource.version = reader.required_text("version");
  resource.resource = reader.required_text("resource");
  resource.subresources = reader.texts("subresources");
  resource.operations = read_operations(reader, std::move(resource.operations));
  resource.scope = reader.choice("scope", kScopes, resource.scope);
  if (kind == LimitKind::ScaleLimit && resource.scope == MatchedResource::Scope::Cluster) {
    reader.fail("scope", "a ScaleLimit judges its own namespace; a ClusterScaleLimit may match cluster-scoped objects");
  }
  return resource;
}

FieldRequirement read_requirement(const JsonReader& reader) {
  FieldRequirement requirement;
  requirement.path = read_path(reader);
  if (requirement.path.names_many()) reader.fail("path", "must name one value, so without [*]");
  if (!reader.has("operator")) reader.fail("operator", "must be one of In, NotIn, Exists, DoesNotExist, not absent");
  requirement.op = reader.choice("operator", kFieldOperators, requirement.op);
  requirement.values = reader.texts("values");
  const bool wants_values =
      requirement.op == FieldRequirement::Operator::In || requirement.op == FieldRequirement::Operator::NotIn;
  if (wants_values == requirement.values.empty()) {
    reader.fail("values", "belong to In and NotIn, which need at least one; Exists and DoesNotExist take none");
  }
  return requirement;
}

LimitMatch read_match(const JsonReader& reader, LimitKind kind) {
  LimitMatch match;
  reader.list("resources",
              [&](const JsonReader& resource) { match.resources.push_back(read_resource(resource, kind)); });
  if (match.resources.empty()) reader.fail("resources", "must name at least one resource type");
  reader.object("labelSelector", [&](const JsonReader& selector) { match.labels = read_selector(selector); });
  reader.list("fieldSelector", [&](const JsonReader& field) { match.fields.push_back(read_requirement(field)); });
  reader.object("namespaceSelector", [&](const JsonReader& selector) { match.namespaces = read_selector(selector); });
  if (kind == LimitKind::ScaleLimit && match.namespaces) {
    reader.fail("namespaceSelector", "a ScaleLimit judges its own namespace; a ClusterScaleLimit may select others");
  }
  return match;
}

FieldCap read_cap(const JsonReader& reader) {
  FieldCap cap;
  cap.name = reader.required_text("name");
  cap.path = read_path(reader);
  cap.max = read_hard(reader, "max");
  cap.format = reader.quantity_format("max");
  cap.code = reader.integer("code", cap.code);
  if (cap.code != 403 && cap.code != 413) reader.fail("code", "must be 403 or 413");
  cap.message = reader.text("message");
  return cap;
}

ObjectLimit read_object(const JsonReader& reader) {
  ObjectLimit object;
  object.max_bytes = reader.optional_integer("maxBytes", {1, kMostBytes});
  reader.list("fields", [&](const JsonReader& field) { object.fields.push_back(read_cap(field)); });
  reader.object("replicas", [&](const JsonReader& replicas) {
    object.max_replicas = replicas.optional_integer("max", {0, kMostReplicas});
    if (!object.max_replicas) replicas.fail("max", "must be given: the most replicas that one workload may ask for");
  });
  return object;
}

TotalLimit read_total(const JsonReader& reader) {
  TotalLimit total;
  if (reader.has("count")) total.count = reader.counter("count");
  reader.list("sums", [&](const JsonReader& sum) {
    total.sums.push_back(
        {sum.required_text("name"), read_path(sum), read_hard(sum, "hard"), sum.quantity_format("hard")});
  });
  return total;
}

RateLimit read_rate(const JsonReader& reader) {
  RateLimit rate;
  const std::optional<int> writes = reader.optional_integer("writesPerSecond", {1, kMostAtOnce});
  if (!writes) reader.fail("writesPerSecond", "must be given, such as 1000");
  rate.writes_per_second = writes.value_or(rate.writes_per_second);
  rate.burst = reader.integer("burst", rate.writes_per_second, {1, kMostAtOnce});
  return rate;
}

ConcurrencyLimit read_concurrency(const JsonReader& reader) {
  ConcurrencyLimit concurrency;
  const std::optional<int> max = reader.optional_integer("max", {1, kMostAtOnce});
  if (!max) reader.fail("max", "must be given: the most writes in progress at a time");
  concurrency.max = max.value_or(concurrency.max);
  concurrency.resume_below = reader.integer("resumeBelow", concurrency.max, {1, kMostAtOnce});
  if (concurrency.resume_below > concurrency.max) {
    reader.fail("resumeBelow", absl::StrCat("is ", concurrency.resume_below, ", above max ", concurrency.max,
                                            ": lower it, so that writes resume before max is reached"));
  }
  reader.object("queue", [&](const JsonReader& queue) {
    ConcurrencyLimit::Queue read;
    const std::optional<int> length = queue.optional_integer("length", {1, kMostAtOnce});
    if (!length) queue.fail("length", "must be given: the most writes that wait");
    read.length = length.value_or(1);
    read.timeout = queue.duration("timeout", read.timeout);
    concurrency.queue = read;
  });
  concurrency.assume_done_after = reader.duration("assumeDoneAfter", concurrency.assume_done_after);
  return concurrency;
}

ObservedLimit read_observed(const JsonReader& reader) {
  ObservedLimit observed;
  observed.name = reader.required_text("name");
  observed.query = reader.required_text("query");
  observed.hard = read_hard(reader, "hard");
  if (reader.has("hard") && observed.hard == Quantity())
    reader.fail("hard", "must be above 0: percent are counted of it");
  observed.format = reader.quantity_format("hard");
  observed.region = reader.text("region", observed.region);
  observed.hold_for = reader.duration("for", observed.hold_for);
  return observed;
}

Threshold read_threshold(const JsonReader& reader, const std::vector<LimitDimension>& dimensions) {
  Threshold threshold;
  threshold.name = reader.required_text("name");
  threshold.dimension = reader.text("dimension");
  if (std::ranges::none_of(dimensions, [&](const auto& dimension) { return threshold.covers(dimension.name); })) {
    reader.fail("dimension",
                "must name a dimension that the limit has: count, rate, concurrency, or one of total.sums "
                "and observed");
  }
  const std::optional<int> percent = reader.optional_integer("percent", {1, 1000});
  if (!percent) reader.fail("percent", "must be given, from 1 to 1000");
  threshold.percent = percent.value_or(threshold.percent);
  if (!reader.has("level")) reader.fail("level", "must be one of Yellow, Orange, Red, not absent");
  threshold.level = reader.choice("level", kThresholdLevels, threshold.level);
  threshold.action = reader.choice("action", kActions, threshold.action);
  reader.object("escalation", [&](const JsonReader& escalation) {
    Escalation read{escalation.texts("to"), escalation.duration("within", absl::ZeroDuration()),
                    escalation.text("message")};
    if (read.to.empty()) escalation.fail("to", "must name at least one receiver");
    threshold.escalation = std::move(read);
  });
  if (threshold.escalation && threshold.action == LimitAction::None) {
    reader.fail("action", "None tells nobody, so set Notify, PauseWrites or Halt, or drop escalation");
  }
  return threshold;
}

DenyRule read_deny(const JsonReader& reader, const ScaleLimit& limit) {
  DenyRule rule;
  rule.name = reader.required_text("name");
  reader.object("whileSwitch", [&](const JsonReader& condition) {
    rule.while_switch =
        SwitchCondition{condition.text("namespace", limit.meta.ns), condition.required_text("configMap"),
                        condition.required_text("key"), condition.text("value")};
    if (limit.kind == LimitKind::ClusterScaleLimit && rule.while_switch->ns.empty()) {
      condition.fail("namespace", "must be given: a ClusterScaleLimit has none of its own");
    }
    if (limit.kind == LimitKind::ScaleLimit && condition.has("namespace")) {
      condition.fail("namespace", "must be left out: a ScaleLimit reads ConfigMaps of its own namespace only");
    }
  });
  rule.operations = read_operations(reader, std::move(rule.operations));
  rule.code = reader.integer("code", rule.code);
  if (rule.code != 403 && rule.code != 429 && rule.code != 503) reader.fail("code", "must be 403, 429 or 503");
  rule.message = reader.required_text("message");
  return rule;
}

bool judges_writes(const ScaleLimitSpec& spec) {
  const bool stops = std::ranges::any_of(spec.thresholds, [](const Threshold& threshold) {
    return threshold.action == LimitAction::PauseWrites || threshold.action == LimitAction::Halt;
  });
  return stops || spec.object != ObjectLimit() || spec.total != TotalLimit() || spec.rate || spec.concurrency ||
         !spec.deny.empty();
}

/// What no single field shows.
void check(const JsonReader& reader, const ScaleLimitSpec& spec, const std::vector<LimitDimension>& dimensions) {
  if (!judges_writes(spec) && spec.observed.empty()) {
    reader.fail("needs at least one of object, total, rate, concurrency, observed and deny");
  }
  if (judges_writes(spec) && !reader.has("match")) {
    reader.fail("match", "must be given: which writes the limit judges; only observed does without");
  }
  for (auto it = dimensions.begin(); it != dimensions.end(); ++it) {
    const bool named = it->kind == LimitDimension::Kind::Sum || it->kind == LimitDimension::Kind::Observed;
    const bool reserved =
        it->name == kCountDimension || it->name == kRateDimension || it->name == kConcurrencyDimension;
    const bool twice = std::any_of(dimensions.begin(), it, [&](const auto& other) { return other.name == it->name; });
    if (twice || (named && reserved)) {
      reader.fail(absl::StrCat("the dimension ", it->name,
                               " is there twice, or its name is taken; rename it in sums or "
                               "observed"));
    }
  }
}

ScaleLimitSpec read_spec(const JsonReader& reader, const ScaleLimit& limit) {
  ScaleLimitSpec spec;
  reader.object("match", [&](const JsonReader& match) { spec.match = read_match(match, limit.kind); });
  reader.object("object", [&](const JsonReader& object) { spec.object = read_object(object); });
  reader.object("total", [&](const JsonReader& total) { spec.total = read_total(total); });
  reader.object("rate", [&](const JsonReader& rate) { spec.rate = read_rate(rate); });
  reader.object("concurrency",
                [&](const JsonReader& concurrency) { spec.concurrency = read_concurrency(concurrency); });
  reader.list("observed", [&](const JsonReader& observed) { spec.observed.push_back(read_observed(observed)); });
  const std::vector<LimitDimension> dimensions = dimensions_of(spec);
  reader.list("thresholds",
              [&](const JsonReader& item) { spec.thresholds.push_back(read_threshold(item, dimensions)); });
  reader.list("deny", [&](const JsonReader& rule) { spec.deny.push_back(read_deny(rule, limit)); });
  spec.mode = reader.choice("mode", kModes, spec.mode);
  spec.unavailable = reader.choice("unavailable", kUnavailables, spec.unavailable);
  check(reader, spec, dimensions);
  return spec;
}

Result<ScaleLimit> read_limit(const nlohmann::json& object, LimitKind kind) {
  JsonFault fault;
  const JsonReader reader(object, "", fault);
  ScaleLimit limit;
  limit.kind = kind;
  limit.meta = meta_from_json(object);
  if (!reader.has("spec")) reader.fail("spec", "must be given");
  reader.object("spec", [&](const JsonReader& spec) { limit.spec = read_spec(spec, limit); });
  reader.object("status", [&](const JsonReader& status) { limit.status = read_scale_limit_status(status); });
  if (fault.found()) return fault.error();
  return limit;
}

}  // namespace

const char* to_string(LimitKind kind) { return name_of(kind, kLimitKinds); }
const char* to_string(Operation operation) { return name_of(operation, kOperations); }
const char* to_string(LimitLevel level) { return name_of(level, kLimitLevels); }
const char* to_string(LimitAction action) { return name_of(action, kActions); }
const char* to_string(ScaleLimitSpec::Mode mode) { return name_of(mode, kModes); }

std::vector<LimitDimension> dimensions_of(const ScaleLimitSpec& spec) {
  using Kind = LimitDimension::Kind;
  std::vector<LimitDimension> dimensions;
  if (spec.total.count) dimensions.push_back({Kind::Count, kCountDimension, Quantity::from_int(*spec.total.count)});
  for (const SumLimit& sum : spec.total.sums) dimensions.push_back({Kind::Sum, sum.name, sum.hard, sum.format});
  if (spec.rate) dimensions.push_back({Kind::Rate, kRateDimension, Quantity::from_int(spec.rate->writes_per_second)});
  if (spec.concurrency) {
    dimensions.push_back({Kind::Concurrency, kConcurrencyDimension, Quantity::from_int(spec.concurrency->max)});
  }
  for (const ObservedLimit& observed : spec.observed) {
    dimensions.push_back({Kind::Observed, observed.name, observed.hard, observed.format});
  }
  return dimensions;
}

Result<ScaleLimit> scale_limit_from_json(const nlohmann::json& object) {
  return read_limit(object, LimitKind::ScaleLimit);
}

Result<ScaleLimit> cluster_scale_limit_from_json(const nlohmann::json& object) {
  return read_limit(object, LimitKind::ClusterScaleLimit);
}

}  // namespace headroom::api
