#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "operator/schema/node.h"

namespace headroom::schema {
namespace {

using nlohmann::json;

class Compiler {
 public:
  Result<std::shared_ptr<const Node>> node(const json& from, const std::string& path) {
    constexpr int kDeepest = 64;
    if (!from.is_object()) return invalid(absl::StrCat("schema of ", path, " is no object"));
    if (++depth_ > kDeepest) return invalid(absl::StrCat("schema of ", path, " lies too deep"));
    auto result = std::make_shared<Node>();
    Node& node = *result;
    read(from, "type", node.type);
    read(from, "format", node.format);
    read(from, "nullable", node.nullable);
    read(from, "uniqueItems", node.unique_items);
    read(from, "exclusiveMinimum", node.exclusive_minimum);
    read(from, "exclusiveMaximum", node.exclusive_maximum);
    read(from, "x-kubernetes-int-or-string", node.int_or_string);
    read(from, "x-kubernetes-preserve-unknown-fields", node.preserves_unknown);
    read(from, "x-kubernetes-embedded-resource", node.embedded);
    read(from, "required", node.required);
    read(from, "x-kubernetes-list-map-keys", node.list_keys);
    number(from, "minimum", node.minimum);
    number(from, "maximum", node.maximum);
    number(from, "multipleOf", node.multiple_of);
    number(from, "minLength", node.min_length);
    number(from, "maxLength", node.max_length);
    number(from, "minItems", node.min_items);
    number(from, "maxItems", node.max_items);
    number(from, "minProperties", node.min_properties);
    number(from, "maxProperties", node.max_properties);
    if (const auto found = from.find("default"); found != from.end()) node.default_value = *found;
    if (const auto found = from.find("enum"); found != from.end() && found->is_array()) {
      node.choices.assign(found->begin(), found->end());
    }
    std::string list_type;
    read(from, "x-kubernetes-list-type", list_type);
    if (list_type == "set") node.list_type = Node::ListType::Set;
    if (list_type == "map") node.list_type = Node::ListType::Map;
    BOOST_OUTCOME_TRYV(pattern(from, path, node));
    BOOST_OUTCOME_TRYV(children(from, path, node));
    BOOST_OUTCOME_TRYV(rules(from, path, node));
    --depth_;
    return std::shared_ptr<const Node>(std::move(result));
  }

 private:
  static void read(const json& from, const char* name, std::string& into) {
    if (const auto found = from.find(name); found != from.end() && found->is_string()) into = found->get<std::string>();
  }
  static void read(const json& from, const char* name, bool& into) {
    if (const auto found = from.find(name); found != from.end() && found->is_boolean()) into = found->get<bool>();
  }
  static void read(const json& from, const char* name, std::vector<std::string>& into) {
    const auto found = from.find(name);
    if (found == from.end() || !found->is_array()) return;
    for (const auto& each : *found) {
      if (each.is_string()) into.push_back(each.get<std::string>());
    }
  }
  template <class Number>
  static void number(const json& from, const char* name, std::optional<Number>& into) {
    if (const auto found = from.find(name); found != from.end() && found->is_number()) into = found->get<Number>();
  }

  static Status pattern(const json& from, const std::string& path, Node& node) {
    read(from, "pattern", node.pattern_text);
    if (node.pattern_text.empty()) return ok();
    auto pattern = std::make_shared<const RE2>(node.pattern_text, RE2::Quiet);
    if (!pattern->ok()) return invalid(absl::StrCat("pattern of ", path, ": ", pattern->error()));
    node.pattern = std::move(pattern);
    return ok();
  }

  Status children(const json& from, const std::string& path, Node& into) {
    if (const auto found = from.find("properties"); found != from.end() && found->is_object()) {
      for (const auto& [name, schema] : found->items()) {
        BOOST_OUTCOME_TRY(child, node(schema, absl::StrCat(path, ".", name)));
        into.properties.emplace(name, std::move(child));
      }
    }
    if (const auto found = from.find("items"); found != from.end()) {
      BOOST_OUTCOME_TRY(child, node(*found, absl::StrCat(path, "[]")));
      into.items = std::move(child);
    }
    if (const auto found = from.find("additionalProperties"); found != from.end()) {
      if (found->is_boolean()) {
        into.any_additional = found->get<bool>();
      } else {
        BOOST_OUTCOME_TRY(child, node(*found, absl::StrCat(path, "[]")));
        into.additional = std::move(child);
      }
    }
    if (const auto found = from.find("not"); found != from.end()) {
      BOOST_OUTCOME_TRY(child, node(*found, path));
      into.none_of = std::move(child);
    }
    const std::pair<const char*, std::vector<std::shared_ptr<const Node>>*> lists[] = {
        {"allOf", &into.all_of}, {"anyOf", &into.any_of}, {"oneOf", &into.one_of}};
    for (const auto& [name, list] : lists) {
      const auto found = from.find(name);
      if (found == from.end() || !found->is_array()) continue;
      for (const auto& each : *found) {
        BOOST_OUTCOME_TRY(child, node(each, path));
        list->push_back(std::move(child));
      }
    }
    return ok();
  }

  static Status rules(const json& from, const std::string& path, Node& node) {
    const auto found = from.find("x-kubernetes-validations");
    if (found == from.end() || !found->is_array()) return ok();
    for (const auto& each : *found) {
      std::string text, message_expression;
      read(each, "rule", text);
      auto condition = cel::Program::compile(text, {"self", "oldSelf"});
      if (!condition) return with_context(condition.error(), absl::StrCat("rule of ", path, " \"", text, "\""));
      Rule rule{std::move(condition).value(), {}, {}, {}, {}};
      read(each, "message", rule.message);
      read(each, "fieldPath", rule.field_path);
      read(each, "reason", rule.reason);
      read(each, "messageExpression", message_expression);
      if (!message_expression.empty()) {
        auto message = cel::Program::compile(message_expression, {"self", "oldSelf"});
        if (!message) return with_context(message.error(), absl::StrCat("messageExpression of ", path));
        rule.message_expression = std::move(message).value();
      }
      node.rules.push_back(std::move(rule));
    }
    return ok();
  }

  int depth_ = 0;
};

/// How many letters must be added, taken out, changed or swapped with their neighbour.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t changed = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, changed});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

std::string lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

}  // namespace

const Node* Node::of_member(const std::string& name) const {
  if (const auto found = properties.find(name); found != properties.end()) return found->second.get();
  return additional.get();
}

std::string member_path(const std::string& path, const std::string& name) {
  return path.empty() ? name : absl::StrCat(path, ".", name);
}
std::string element_path(const std::string& path, std::size_t index) { return absl::StrCat(path, "[", index, "]"); }
std::string key_path(const std::string& path, const std::string& key) { return absl::StrCat(path, "[", key, "]"); }

std::string nearest(const std::string& wrong, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 100;
  if (wrong.size() > kLongest) return "";
  std::string best;
  std::size_t least = wrong.size() / 3 + 2;
  for (const std::string& each : known) {
    if (each.size() > kLongest) continue;
    const std::size_t steps = distance(lower_case(wrong), lower_case(each));
    if (steps < least) {
      least = steps;
      best = each;
    }
  }
  return best;
}

const char* to_string(Violation::Kind kind) {
  static constexpr const char* kNames[] = {"unknown-field", "type",   "required",  "enum",     "pattern",     "range",
                                           "length",        "format", "duplicate", "metadata", "combination", "rule"};
  return kNames[static_cast<int>(kind)];
}

Result<Schema> Schema::compile(const nlohmann::json& open_api) {
  Compiler compiler;
  BOOST_OUTCOME_TRY(root, compiler.node(open_api, "the object"));
  return Schema(std::move(root));
}

}  // namespace headroom::schema
