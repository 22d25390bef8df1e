// metav1.LabelSelector: matching and JSON.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/api/json_reader.h"
#include "operator/api/label_selector.h"

namespace headroom::api {
namespace {

using Operator = LabelSelector::Requirement::Operator;

constexpr EnumName<Operator> kOperators[] = {{Operator::In, "In"},
                                             {Operator::NotIn, "NotIn"},
                                             {Operator::Exists, "Exists"},
                                             {Operator::DoesNotExist, "DoesNotExist"}};

bool satisfied(const LabelSelector::Requirement& requirement, std::optional<std::string_view> value) {
  const bool listed = value && std::ranges::find(requirement.values, *value) != requirement.values.end();
  switch (requirement.op) {
    case Operator::In:
      return listed;
    case Operator::NotIn:
      return !listed;
    case Operator::Exists:
      return value.has_value();
    case Operator::DoesNotExist:
      return !value.has_value();
  }
  return false;
}

}  // namespace

bool LabelSelector::matches(const std::map<std::string, std::string>& labels) const {
  return matches([&](std::string_view key) -> std::optional<std::string_view> {
    const auto it = labels.find(std::string(key));
    return it == labels.end() ? std::nullopt : std::optional<std::string_view>(it->second);
  });
}

bool LabelSelector::matches(LabelLookup label_of) const {
  return std::ranges::all_of(match_labels,
                             [&](const auto& wanted) { return label_of(wanted.first) == wanted.second; }) &&
         std::ranges::all_of(match_expressions, [&](const Requirement& requirement) {
           return satisfied(requirement, label_of(requirement.key));
         });
}

LabelSelector read_selector(const JsonReader& reader) {
  LabelSelector selector;
  selector.match_labels = reader.text_map("matchLabels");
  reader.list("matchExpressions", [&](const JsonReader& item) {
    LabelSelector::Requirement requirement;
    requirement.key = item.required_text("key");
    if (!item.has("operator")) item.fail("operator", "must be one of In, NotIn, Exists, DoesNotExist, not absent");
    requirement.op = item.choice("operator", kOperators, Operator::In);
    requirement.values = item.texts("values");
    const bool needs_values = requirement.op == Operator::In || requirement.op == Operator::NotIn;
    if (needs_values && requirement.values.empty()) item.fail("values", "must not be empty with In and NotIn");
    if (!needs_values && !requirement.values.empty()) {
      item.fail("values", "must be left out with Exists and DoesNotExist");
    }
    selector.match_expressions.push_back(std::move(requirement));
  });
  return selector;
}

Result<LabelSelector> selector_from_json(const nlohmann::json& selector, const std::string& path) {
  JsonFault fault;
  const JsonReader reader(selector, path, fault);
  LabelSelector read = read_selector(reader);
  if (fault.found()) return fault.error();
  return read;
}

}  // namespace headroom::api
