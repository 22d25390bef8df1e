// A compiled schema. Internal to this folder.
#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/cel/program.h"
#include "operator/schema/schema.h"

namespace headroom::schema {

struct Rule {
  cel::Program condition;
  std::optional<cel::Program> message_expression;
  std::string message;     ///< may be empty
  std::string field_path;  ///< ".readReplica.floor"
  std::string reason;
};

struct Node {
  enum class ListType { Atomic, Set, Map };
  std::string type;  ///< empty: any
  std::string format;
  bool int_or_string = false, nullable = false, preserves_unknown = false, embedded = false, unique_items = false;
  bool exclusive_minimum = false, exclusive_maximum = false;
  std::map<std::string, std::shared_ptr<const Node>> properties;
  std::shared_ptr<const Node> items, additional;
  bool any_additional = false;
  std::vector<std::string> required;
  std::vector<nlohmann::json> choices;  ///< enum
  std::string pattern_text;
  std::shared_ptr<const RE2> pattern;
  std::optional<double> minimum, maximum, multiple_of;
  std::optional<std::int64_t> min_length, max_length, min_items, max_items, min_properties, max_properties;
  std::optional<nlohmann::json> default_value;
  ListType list_type = ListType::Atomic;
  std::vector<std::string> list_keys;
  std::vector<Rule> rules;
  std::vector<std::shared_ptr<const Node>> all_of, any_of, one_of;
  std::shared_ptr<const Node> none_of;  ///< not

  /// The schema of a member; null: the schema says nothing of it.
  const Node* of_member(const std::string& name) const;
};

/// Where an object or a part of it stands: "spec.phases[2]".
std::string member_path(const std::string& path, const std::string& name);
std::string element_path(const std::string& path, std::size_t index);
/// For names that are no fields but keys of a map: "metadata.labels[a.b/c]".
std::string key_path(const std::string& path, const std::string& key);

/// As CEL sees the value. `root`: of metadata only the name is seen.
cel::Value to_cel(const nlohmann::json& value, const Node& node, bool root = false);

}  // namespace headroom::schema
