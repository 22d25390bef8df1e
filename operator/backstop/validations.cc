#include "operator/backstop/validations.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "operator/backstop/cel.h"

namespace headroom::backstop {
namespace {

using api::JsonPath;
using nlohmann::json;

constexpr char kNow[] = "variables.now", kBefore[] = "variables.before", kFormer[] = "variables.former",
               kCounted[] = "variables.counted";
constexpr char kOfScale[] = "(has(request.subResource) && request.subResource == 'scale')";
// Amounts are capped there when limits read them.
constexpr char kLargest[] = "quantity('9223372036854775807')";

bool has_selectors(const api::ScaleLimitSpec& spec) { return spec.match.labels || !spec.match.fields.empty(); }

/// Without selectors, "true".
std::string selected(const api::ScaleLimitSpec& spec, const std::string& root) {
  std::vector<std::string> terms;
  if (spec.match.labels) terms.push_back(selects_labels(*spec.match.labels, root));
  for (const api::FieldRequirement& field : spec.match.fields) terms.push_back(satisfies(field, root));
  return all_of(terms);
}

/// A cap, of `fields` by its index or of replicas.
struct Cap {
  const JsonPath& path;
  std::string number;                    ///< of its variables
  const api::FieldCap* field = nullptr;  ///< null: of replicas

  std::string strange(const char* when) const { return absl::StrCat("strange_", when, "_", number); }
};

const JsonPath& replicas_path() {
  static const JsonPath path = JsonPath::parse(".spec.replicas").value();
  return path;
}

std::vector<Cap> caps_of(const api::ScaleLimitSpec& spec) {
  std::vector<Cap> caps;
  if (spec.object.max_replicas) caps.push_back({replicas_path(), "replicas", nullptr});
  for (std::size_t i = 0; i < spec.object.fields.size(); ++i) {
    caps.push_back({spec.object.fields[i].path, std::to_string(i), &spec.object.fields[i]});
  }
  return caps;
}

std::string is_strange(const JsonPath& path, const char* root) {
  return any_value(path, root, [](const std::string& value) { return absl::StrCat("!", is_amount(value)); });
}

/// Whether the write raises the field above `most`, an expression.
std::string raised_above(const Cap& cap, const std::string& most) {
  return any_value(cap.path, kNow, [&](const std::string& value) {
    const std::string reached = any_value(
        cap.path, kFormer,
        [&](const std::string& former) {
          return absl::StrCat("!", amount(former), ".isLessThan(", amount(value), ")");
        },
        2);
    return all_of({absl::StrCat(amount(value), ".isGreaterThan(", amount(most), ")"),
                   absl::StrCat(amount(most), ".isLessThan(", kLargest, ")"),
                   absl::StrCat("(variables.", cap.strange("before"), " || !", reached, ")")});
  });
}

/// Where the limit still has the cap: what `holds` says of its bound.
std::string with_bound(const Cap& cap, const std::function<std::string(const std::string& most)>& holds) {
  const std::string object = "has(params.spec.object)";
  if (cap.field == nullptr) {
    return all_of({object, "has(params.spec.object.replicas)", holds("params.spec.object.replicas.max")});
  }
  return all_of({object, "has(params.spec.object.fields)",
                 absl::StrCat("params.spec.object.fields.exists(cap, cap.name == ", cel_text(cap.field->name),
                              " && cap.path == ", cel_text(cap.path.text()), " && ", holds("cap.max"), ")")});
}

/// The one value that a path without "[*]" names, which is known to be there.
std::string value_at(const JsonPath& path) {
  std::string value = kNow;
  for (const JsonPath::Step& step : path.steps()) {
    absl::StrAppend(&value, "[",
                    step.kind == JsonPath::Step::Kind::Index ? std::to_string(step.index) : cel_text(step.name), "]");
  }
  return value;
}

std::string cap_message(const api::ScaleLimit& limit, const Cap& cap) {
  const std::string start = absl::StrCat(limit_text(limit), ": ", cap.path.text(), " is ");
  const std::string said = cap.path.names_many() ? cel_text(start + "too large")
                                                 : absl::StrCat(cel_text(start), " + string(", value_at(cap.path), ")");
  const auto text = [&](const std::string& most) {
    return absl::StrCat(said, " + ', at most ' + string(", most, ") + ' is allowed'");
  };
  if (cap.field == nullptr) return text("params.spec.object.replicas.max");
  return absl::StrCat("params.spec.object.fields.filter(cap, cap.name == ", cel_text(cap.field->name), ").map(cap, ",
                      text("cap.max"), " + (has(cap.message) && cap.message != '' ? ': ' + cap.message : ''))[0]");
}

json validation(std::string expression, const char* reason, const std::string& message,
                std::optional<std::string> message_expression = std::nullopt) {
  json one = {{"expression", std::move(expression)}, {"reason", reason}, {"message", message}};
  if (message_expression) one["messageExpression"] = *std::move(message_expression);
  return one;
}

void add_cap(const api::ScaleLimit& limit, const Cap& cap, json& checks) {
  const bool by_scale = cap.field == nullptr;
  const auto unless = [&](const std::string& broken) {
    // A Scale shows nothing but replicas.
    return absl::StrCat(by_scale || !judges_scale(limit.spec) ? "" : absl::StrCat(kOfScale, " || "), "!(", broken, ")");
  };
  const std::string strange = absl::StrCat("variables.", cap.strange("now"));
  const auto exists = [&](const std::string&) {
    return all_of({strange, absl::StrCat("!variables.", cap.strange("before"))});
  };
  checks.push_back(validation(unless(with_bound(cap, exists)), "Forbidden",
                              absl::StrCat(limit_text(limit), ": ", cap.path.text(),
                                           " must be a quantity of 0 or more, such as 5, \"500M\" or \"1Gi\"")));
  const auto raised = [&](const std::string& most) {
    return all_of({absl::StrCat("!", strange), raised_above(cap, most)});
  };
  const bool too_large = cap.field != nullptr && cap.field->code == 413;
  checks.push_back(validation(unless(with_bound(cap, raised)), too_large ? "RequestEntityTooLarge" : "Forbidden",
                              absl::StrCat(limit_text(limit), ": ", cap.path.text(), " is more than is allowed"),
                              cap_message(limit, cap)));
}

/// All values of a path added, by approximate numbers: CEL has no exact sum of quantities.
std::string approximate_sum(std::span<const JsonPath::Step> steps, const std::string& value, int depth) {
  using Kind = JsonPath::Step::Kind;
  if (steps.empty()) {
    return absl::StrCat("(", value, " != null && ", is_amount(value), " ? ", amount(value),
                        ".asApproximateFloat() : 0.0)");
  }
  const JsonPath::Step& step = steps.front();
  const auto rest = steps.subspan(1);
  if (step.kind == Kind::Each) {
    const std::string each = absl::StrCat("each", depth);
    return absl::StrCat("(type(", value, ") == list ? ", value, ".map(", each, ", ",
                        approximate_sum(rest, each, depth + 1), ").sum() : 0.0)");
  }
  const bool index = step.kind == Kind::Index;
  const std::string key = index ? std::to_string(step.index) : cel_text(step.name);
  const std::string there = index ? absl::StrCat("type(", value, ") == list && size(", value, ") > ", key)
                                  : absl::StrCat("type(", value, ") == map && ", key, " in ", value);
  return absl::StrCat("(", there, " ? ", approximate_sum(rest, absl::StrCat(value, "[", key, "]"), depth), " : 0.0)");
}

/// Whether an update adds to the sum.
std::string grows(const JsonPath& path) {
  if (path.names_many()) {
    return absl::StrCat(approximate_sum(path.steps(), kNow, 0), " > (", kCounted, " ? ",
                        approximate_sum(path.steps(), kBefore, 0), " : 0.0)");
  }
  return any_value(path, kNow, [&](const std::string& value) {
    const std::string reached = any_value(path, kBefore, [&](const std::string& former) {
      return all_of({is_amount(former), absl::StrCat("!", amount(former), ".isLessThan(", amount(value), ")")});
    });
    return all_of({is_amount(value), absl::StrCat(amount(value), ".isGreaterThan(quantity('0'))"),
                   absl::StrCat("!(", kCounted, " && ", reached, ")")});
  });
}

bool stops_writes(const api::ScaleLimitSpec& spec) {
  return std::ranges::any_of(spec.thresholds, [](const api::Threshold& threshold) {
    return threshold.action == api::LimitAction::PauseWrites || threshold.action == api::LimitAction::Halt;
  });
}

json stop(const api::ScaleLimit& limit) {
  const api::ScaleLimitSpec& spec = limit.spec;
  std::vector<std::string> raises = {"request.operation == 'CREATE'"};
  if (spec.total.count && has_selectors(spec)) raises.push_back(absl::StrCat("!", kCounted));
  for (const api::SumLimit& sum : spec.total.sums) raises.push_back(grows(sum.path));
  // To the webhook an object that grows uses more there; of that a policy sees the replicas.
  if (!spec.total.count && spec.total.sums.empty()) raises.push_back(grows(replicas_path()));
  const std::string stopped =
      all_of({"has(params.status)", "has(params.status.backstop)", "params.status.backstop == 'Active'",
              "(has(params.status.halted) || has(params.status.paused))"});
  const auto told = [](const char* what, const char* otherwise) {
    return absl::StrCat("(has(params.status.", what, ".message) && params.status.", what,
                        ".message != '' ? params.status.", what, ".message : '", otherwise, "')");
  };
  return validation(absl::StrCat(judges_scale(spec) ? absl::StrCat(kOfScale, " || ") : "", "!(", stopped, " && ",
                                 any_of(raises), ")"),
                    "Forbidden", absl::StrCat(limit_text(limit), ": writes that would use more are refused now"),
                    absl::StrCat(cel_text(limit_text(limit) + ": "), " + (has(params.status.halted) ? ",
                                 told("halted", "writes are halted"), " : ", told("paused", "writes are paused"), ")"));
}

}  // namespace

std::string limit_text(const api::ScaleLimit& limit) {
  return absl::StrCat(api::to_string(limit.kind), " ", limit.meta.key().to_string());
}

bool judges_scale(const api::ScaleLimitSpec& spec) { return spec.object.max_replicas && !has_selectors(spec); }

json match_conditions(const api::ScaleLimitSpec& spec) {
  json conditions =
      json::array({{{"name", "enforced"}, {"expression", "!has(params.spec.mode) || params.spec.mode == 'Enforce'"}}});
  if (has_selectors(spec)) {
    conditions.push_back({{"name", "selected"}, {"expression", selected(spec, "dyn(object)")}});
  }
  return conditions;
}

json variables(const api::ScaleLimitSpec& spec) {
  json list = json::array({{{"name", "now"}, {"expression", "dyn(object)"}},
                           {{"name", "before"}, {"expression", "oldObject == null ? dyn({}) : dyn(oldObject)"}}});
  // Once, as it may be long, and an expression has at most 100,000 characters.
  list.push_back({{"name", "counted"}, {"expression", selected(spec, kBefore)}});
  list.push_back({{"name", "former"},
                  {"expression", absl::StrCat("oldObject != null && ", kCounted, " ? ", kBefore, " : dyn({})")}});
  for (const Cap& cap : caps_of(spec)) {
    list.push_back({{"name", cap.strange("now")}, {"expression", is_strange(cap.path, kNow)}});
    list.push_back({{"name", cap.strange("before")}, {"expression", is_strange(cap.path, kFormer)}});
  }
  return list;
}

json validations(const api::ScaleLimit& limit) {
  json checks = json::array();
  for (const Cap& cap : caps_of(limit.spec)) add_cap(limit, cap, checks);
  if (stops_writes(limit.spec)) checks.push_back(stop(limit));
  return checks;
}

}  // namespace headroom::backstop
