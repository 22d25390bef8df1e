// What an API server does to an object before it validates it.
#include <absl/strings/str_cat.h>

#include <utility>

#include "operator/schema/node.h"

namespace headroom::schema {
namespace {

using nlohmann::json;

void prune_node(json& value, const Node& node, const std::string& path, bool root, std::vector<Violation>& violations) {
  if (value.is_array()) {
    if (!node.items) return;
    for (std::size_t i = 0; i < value.size(); ++i) {
      prune_node(value[i], *node.items, element_path(path, i), false, violations);
    }
    return;
  }
  if (!value.is_object()) return;
  std::vector<std::string> unknown;
  for (auto& [name, member] : value.items()) {
    // Part of every object, whatever its schema says; metadata has a schema of its own.
    if ((root || node.embedded) && (name == "apiVersion" || name == "kind" || name == "metadata")) continue;
    if (const Node* inner = node.of_member(name)) {
      prune_node(member, *inner, node.properties.contains(name) ? member_path(path, name) : key_path(path, name), false,
                 violations);
    } else if (!node.preserves_unknown && !node.any_additional && node.type == "object") {
      unknown.push_back(name);
    }
  }
  std::vector<std::string> known;
  for (const auto& [name, inner] : node.properties) known.push_back(name);
  for (const std::string& name : unknown) {
    const std::string field = member_path(path, name), meant = nearest(name, known);
    violations.push_back({Violation::Kind::UnknownField, field, absl::StrCat("unknown field \"", field, "\""),
                          meant.empty() ? "remove it" : absl::StrCat("did you mean ", meant, "?"), false});
    value.erase(name);
  }
}

bool forbidden_null(const json& value, const Node* node) { return value.is_null() && node && !node->nullable; }

void drop_nulls(json& value, const Node* node) {
  if (value.is_array()) {
    for (json& element : value) drop_nulls(element, node ? node->items.get() : nullptr);
    return;
  }
  if (!value.is_object()) return;
  for (auto member = value.begin(); member != value.end();) {
    const Node* inner = node ? node->of_member(member.key()) : nullptr;
    if (forbidden_null(*member, inner) && !inner->default_value) {
      member = value.erase(member);
    } else {
      drop_nulls(*member, inner);
      ++member;
    }
  }
}

void set_defaults(json& value, const Node& node) {
  if (value.is_object()) {
    for (const auto& [name, inner] : node.properties) {
      if (!inner->default_value) continue;
      const auto found = value.find(name);
      if (found == value.end() || forbidden_null(*found, inner.get())) value[name] = *inner->default_value;
    }
    for (auto& [name, member] : value.items()) {
      const Node* inner = node.of_member(name);
      if (!inner) continue;
      if (forbidden_null(member, inner) && inner->default_value) member = *inner->default_value;
      set_defaults(member, *inner);
    }
  } else if (value.is_array() && node.items) {
    for (json& element : value) {
      if (forbidden_null(element, node.items.get()) && node.items->default_value) element = *node.items->default_value;
      set_defaults(element, *node.items);
    }
  }
}

}  // namespace

void Schema::prune(nlohmann::json& object, std::vector<Violation>& violations) const {
  prune_node(object, *root_, "", true, violations);
}

void Schema::apply_defaults(nlohmann::json& object) const {
  drop_nulls(object, root_.get());
  set_defaults(object, *root_);
}

}  // namespace headroom::schema
