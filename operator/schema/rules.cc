// x-kubernetes-validations, at every level of a schema.
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <array>
#include <utility>

#include "operator/base/duration.h"
#include "operator/schema/node.h"

namespace headroom::schema {
namespace {

using nlohmann::json;

/// The name of a field as expressions have to write it.
std::string escaped(const std::string& name) {
  static constexpr std::array kReserved = {"true",     "false",   "null",      "in",       "as",  "break",  "const",
                                           "continue", "else",    "for",       "function", "if",  "import", "let",
                                           "loop",     "package", "namespace", "return",   "var", "void",   "while"};
  for (const char* word : kReserved) {
    if (name == word) return absl::StrCat("__", name, "__");
  }
  return absl::StrReplaceAll(name,
                             {{"__", "__underscores__"}, {".", "__dot__"}, {"-", "__dash__"}, {"/", "__slash__"}});
}

cel::Value text_to_cel(const std::string& text, const std::string& format) {
  if (format == "date-time") {
    if (const auto time = parse_rfc3339(text)) return cel::Value(time.value());
  } else if (format == "byte") {
    std::string bytes;
    if (absl::Base64Unescape(text, &bytes)) return cel::Value(cel::Bytes{std::move(bytes)});
  } else if (format == "duration") {
    if (const auto duration = parse_duration(text)) return cel::Value(duration.value());
  }
  return cel::Value(text);
}

class Judge {
 public:
  Judge(const cel::Options& options, std::vector<Violation>& violations, std::vector<std::string>& skipped)
      : options_(options), violations_(violations), skipped_(skipped) {}

  void node(const json& value, const Node& node, const std::string& path, bool root) {
    if (!node.rules.empty() && !value.is_null()) {
      const cel::Variables self = {{"self", to_cel(value, node, root)}};
      for (const Rule& rule : node.rules) judge(rule, self, path);
    }
    if (value.is_object()) {
      for (const auto& [name, member] : value.items()) {
        const Node* inner = node.of_member(name);
        if (!inner || (root && name == "metadata")) continue;
        this->node(member, *inner, node.properties.contains(name) ? member_path(path, name) : key_path(path, name),
                   false);
      }
    } else if (value.is_array() && node.items) {
      for (std::size_t i = 0; i < value.size(); ++i) this->node(value[i], *node.items, element_path(path, i), false);
    }
  }

 private:
  void judge(const Rule& rule, const cel::Variables& self, const std::string& path) {
    if (rule.condition.uses("oldSelf")) {
      skipped_.push_back(absl::StrCat(path, ": ", rule.condition.text()));
      return;
    }
    const auto holds = rule.condition.evaluate(self, options_);
    if (!holds && !rule.message.empty()) {
      add(path, rule, absl::StrCat(rule.message, " (", holds.error().message, ")"));
      return;
    }
    if (!holds) {
      add(path, rule,
          absl::StrCat("the rule \"", rule.condition.text(), "\" cannot be judged: ", holds.error().message));
      return;
    }
    const bool* flag = holds.value().as<bool>();
    if (flag && *flag) return;
    add(path, rule, message_of(rule, self));
  }

  void add(const std::string& path, const Rule& rule, std::string message) {
    std::string field = path + rule.field_path;
    if (field.starts_with('.')) field.erase(0, 1);
    violations_.push_back({Violation::Kind::Rule, std::move(field), std::move(message), "", false});
  }

  std::string message_of(const Rule& rule, const cel::Variables& self) const {
    if (rule.message_expression) {
      const auto value = rule.message_expression->evaluate(self, options_);
      const std::string* text = value ? value.value().as<std::string>() : nullptr;
      // What an API server does not show either: it falls back to the message.
      constexpr std::size_t kLongest = 5120;
      if (text && text->find_first_not_of(" \t\r\n") != std::string::npos && text->find('\n') == std::string::npos &&
          text->size() <= kLongest) {
        return *text;
      }
    }
    return rule.message.empty() ? absl::StrCat("failed rule: ", rule.condition.text()) : rule.message;
  }

  const cel::Options& options_;
  std::vector<Violation>& violations_;
  std::vector<std::string>& skipped_;
};

}  // namespace

cel::Value to_cel(const json& value, const Node& node, bool root) {
  if (value.is_string()) return text_to_cel(value.get_ref<const std::string&>(), node.format);
  if (value.is_number() && !node.int_or_string) {
    if (node.type == "number") return cel::Value(value.get<double>());
    if (node.type == "integer") return cel::Value(value.get<std::int64_t>());
  }
  if (value.is_array() && node.items) {
    cel::List list;
    for (const json& element : value) list.push_back(to_cel(element, *node.items));
    return cel::Value(std::move(list));
  }
  if (!value.is_object()) return cel::from_json(value);
  cel::Map map;
  for (const auto& [name, member] : value.items()) {
    if (root && (name == "apiVersion" || name == "kind")) {
      map.emplace_back(cel::Value(name), cel::from_json(member));
    } else if (root && name == "metadata") {
      cel::Map metadata;
      for (const char* seen : {"name", "generateName"}) {
        if (member.is_object() && member.contains(seen))
          metadata.emplace_back(cel::Value(seen), cel::from_json(member[seen]));
      }
      map.emplace_back(cel::Value("metadata"), cel::Value(std::move(metadata)));
    } else if (const auto property = node.properties.find(name); property != node.properties.end()) {
      map.emplace_back(cel::Value(escaped(name)), to_cel(member, *property->second));
    } else if (node.additional) {
      map.emplace_back(cel::Value(name), to_cel(member, *node.additional));
    }
    // What x-kubernetes-preserve-unknown-fields lets through is out of sight of rules.
  }
  return cel::Value(std::move(map));
}

void Schema::judge_rules(const nlohmann::json& object, const cel::Options& options, std::vector<Violation>& violations,
                         std::vector<std::string>& skipped) const {
  Judge(options, violations, skipped).node(object, *root_, "", true);
}

}  // namespace headroom::schema
