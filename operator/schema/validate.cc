// Types, bounds and uniqueness.
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "operator/base/duration.h"
#include "operator/schema/node.h"

namespace headroom::schema {
namespace {

using nlohmann::json;

constexpr std::size_t kShown = 120;

/// For messages: compact JSON, long ones cut.
std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > kShown) {
    std::size_t end = kShown;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text = text.substr(0, end) + "…";
  }
  return text;
}

/// A bound as people write it: 1000000, not 1e+06.
std::string number_text(double bound) {
  constexpr double kExact = 9007199254740992.0;  // whole numbers below have a double of their own
  if (std::trunc(bound) == bound && std::abs(bound) < kExact) return absl::StrCat(static_cast<std::int64_t>(bound));
  return json(bound).dump();
}

std::string type_of(const json& value) {
  if (value.is_number_float()) return "number";
  if (value.is_number()) return "integer";
  return value.type_name();
}

std::int64_t characters(const std::string& text) {
  return std::ranges::count_if(text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; });
}

bool is_whole(const json& value) {
  return value.is_number_integer() ||
         (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>());
}

class Check {
 public:
  explicit Check(std::vector<Violation>& violations) : violations_(violations) {}

  void node(const json& value, const Node& node, const std::string& path) {
    if (value.is_null() && node.nullable) return;
    if (!type_fits(value, node)) {
      wrong_type(value, node, path);
      return;
    }
    choice(value, node, path);
    if (value.is_string()) text(value.get_ref<const std::string&>(), node, path);
    if (value.is_number()) number(value, node, path);
    if (value.is_array()) list(value, node, path);
    if (value.is_object()) object(value, node, path);
    combinations(value, node, path);
  }

 private:
  void add(Violation::Kind kind, const std::string& path, std::string message, std::string remedy = "",
           bool blocking = false) {
    violations_.push_back({kind, path, std::move(message), std::move(remedy), blocking});
  }

  static bool type_fits(const json& value, const Node& node) {
    if (node.int_or_string) return value.is_string() || is_whole(value);
    if (node.type.empty()) return true;
    if (node.type == "integer") return is_whole(value);
    if (node.type == "number") return value.is_number();
    return node.type == value.type_name();
  }

  void wrong_type(const json& value, const Node& node, const std::string& path) {
    const std::string wanted = node.int_or_string ? "integer,string" : node.type;
    std::string remedy;
    if (wanted == "string" && value.is_primitive() && !value.is_null()) {
      remedy = absl::StrCat("quote it: \"", value.dump(), "\"");
    } else if ((wanted == "integer" || wanted == "boolean" || wanted == "number") && value.is_string()) {
      const json unquoted = json::parse(value.get_ref<const std::string&>(), nullptr, false);
      if (unquoted.is_number() || unquoted.is_boolean()) remedy = "write it without quotes";
    } else if (wanted == "integer,string" && value.is_number()) {
      remedy = absl::StrCat("quote it: \"", value.dump(), "\"");
    } else if (wanted == "array" && !value.is_null()) {
      remedy = "write a list, each entry after \"- \"";
    }
    add(Violation::Kind::Type, path,
        absl::StrCat("Invalid value: ", shown(value), ": must be of type ", wanted, ", not ", type_of(value)), remedy,
        true);
  }

  void choice(const json& value, const Node& node, const std::string& path) {
    if (node.choices.empty() || std::ranges::find(node.choices, value) != node.choices.end()) return;
    std::vector<std::string> texts, names;
    for (const json& each : node.choices) {
      texts.push_back(each.is_string() ? each.dump()
                                       : absl::StrCat("\"", each.dump(), "\""));  // as the API server does
      if (each.is_string()) names.push_back(each.get<std::string>());
    }
    const std::string meant = value.is_string() ? nearest(value.get<std::string>(), names) : "";
    add(Violation::Kind::Enum, path,
        absl::StrCat("Unsupported value: ", shown(value), ": supported values: ", absl::StrJoin(texts, ", ")),
        meant.empty() ? "" : absl::StrCat("did you mean ", meant, "?"), true);
  }

  void text(const std::string& value, const Node& node, const std::string& path) {
    if (node.max_length && characters(value) > *node.max_length) {
      add(Violation::Kind::Length, path, absl::StrCat("Too long: may not be more than ", *node.max_length, " bytes"),
          "shorten it", true);
    }
    if (node.min_length && characters(value) < *node.min_length) {
      add(Violation::Kind::Length, path,
          absl::StrCat("Invalid value: ", shown(value), ": should be at least ", *node.min_length, " chars long"));
    }
    if (node.pattern && !RE2::PartialMatch(value, *node.pattern)) {
      add(Violation::Kind::Pattern, path,
          absl::StrCat("Invalid value: ", shown(value), ": should match '", node.pattern_text, "'"));
    }
    format(value, node, path);
  }

  void format(const std::string& value, const Node& node, const std::string& path) {
    bool fits = true;
    if (node.format == "date-time") {
      fits = parse_rfc3339(value).has_value();
    } else if (node.format == "date") {
      absl::CivilDay day;
      fits = absl::ParseCivilTime(value, &day);
    } else if (node.format == "byte") {
      std::string bytes;
      fits = absl::Base64Unescape(value, &bytes);
    } else if (node.format == "uuid") {
      static const RE2 uuid("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$");
      fits = RE2::FullMatch(value, uuid);
    } else if (node.format == "duration") {
      static const RE2 duration(
          "[+-]?((([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+|0)|(\\d+\\s*[a-zµ]+\\s*)+");
      fits = RE2::FullMatch(value, duration);
    }
    if (fits) return;
    add(Violation::Kind::Format, path,
        absl::StrCat("Invalid value: ", shown(value), ": must be of type ", node.format, ": ", shown(value)), "", true);
  }

  void number(const json& value, const Node& node, const std::string& path) {
    const auto said = [&](const std::string& bound) {
      add(Violation::Kind::Range, path, absl::StrCat("Invalid value: ", shown(value), ": should be ", bound));
    };
    const auto real = value.get<double>();
    if (node.minimum && (node.exclusive_minimum ? real <= *node.minimum : real < *node.minimum)) {
      said(absl::StrCat("greater than ", node.exclusive_minimum ? "" : "or equal to ", number_text(*node.minimum)));
    }
    if (node.maximum && (node.exclusive_maximum ? real >= *node.maximum : real > *node.maximum)) {
      said(absl::StrCat("less than ", node.exclusive_maximum ? "" : "or equal to ", number_text(*node.maximum)));
    }
    if (node.multiple_of && std::fmod(real, *node.multiple_of) != 0) {
      said(absl::StrCat("a multiple of ", number_text(*node.multiple_of)));
    }
    const bool narrow = node.format == "int32", wide = node.format == "int64";
    if (!narrow && !wide) return;
    constexpr double kWideEnd = 9223372036854775808.0;
    const double end = narrow ? 2147483648.0 : kWideEnd;
    if (real < -end || real >= end) {
      add(Violation::Kind::Range, path,
          absl::StrCat("Invalid value: ", shown(value), ": must fit the type ", node.format));
    }
  }

  void list(const json& value, const Node& node, const std::string& path) {
    const auto size = static_cast<std::int64_t>(value.size());
    if (node.max_items && size > *node.max_items) {
      add(Violation::Kind::Length, path,
          absl::StrCat("Too many: ", size, ": must have at most ", *node.max_items, " items"), "drop some", true);
    }
    if (node.min_items && size < *node.min_items) {
      add(Violation::Kind::Length, path,
          absl::StrCat("Invalid value: ", size, ": should have at least ", *node.min_items, " items"));
    }
    if (node.items) {
      for (std::size_t i = 0; i < value.size(); ++i) this->node(value[i], *node.items, element_path(path, i));
    }
    if (node.unique_items || node.list_type == Node::ListType::Set) duplicates(value, path);
    if (node.list_type == Node::ListType::Map) {
      json keys = json::array();
      for (const json& element : value) {
        json key = json::object();
        for (const std::string& name : node.list_keys) {
          if (element.is_object() && element.contains(name)) key[name] = element[name];
        }
        keys.push_back(std::move(key));
      }
      duplicates(keys, path);
    }
  }

  void duplicates(const json& keys, const std::string& path) {
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto [first, is_new] = seen.emplace(keys[i].dump(-1, ' ', false, json::error_handler_t::replace), i);
      if (is_new) continue;
      add(Violation::Kind::Duplicate, element_path(path, i), absl::StrCat("Duplicate value: ", shown(keys[i])),
          absl::StrCat("it is that of ", element_path(path, first->second), "; rename or remove one"));
    }
  }

  void object(const json& value, const Node& node, const std::string& path) {
    const auto size = static_cast<std::int64_t>(value.size());
    if (node.max_properties && size > *node.max_properties) {
      add(Violation::Kind::Length, path,
          absl::StrCat("Too many: ", size, ": must have at most ", *node.max_properties, " items"), "drop some", true);
    }
    if (node.min_properties && size < *node.min_properties) {
      add(Violation::Kind::Length, path,
          absl::StrCat("Invalid value: ", size, ": should have at least ", *node.min_properties, " properties"));
    }
    for (const std::string& name : node.required) {
      if (!value.contains(name)) {
        add(Violation::Kind::Required, member_path(path, name), "Required value", absl::StrCat("add ", name), true);
      }
    }
    for (const auto& [name, member] : value.items()) {
      if (const Node* inner = node.of_member(name)) {
        this->node(member, *inner, node.properties.contains(name) ? member_path(path, name) : key_path(path, name));
      }
    }
  }

  static bool holds(const json& value, const Node& node) {
    std::vector<Violation> violations;
    Check(violations).node(value, node, "");
    return violations.empty();
  }

  void combinations(const json& value, const Node& node, const std::string& path) {
    for (const auto& each : node.all_of) this->node(value, *each, path);
    const auto count = [&](const auto& schemas) {
      return std::ranges::count_if(schemas, [&](const auto& each) { return holds(value, *each); });
    };
    if (!node.any_of.empty() && count(node.any_of) == 0) {
      add(Violation::Kind::Combination, path,
          absl::StrCat("Invalid value: ", shown(value), ": must validate at least one schema (anyOf)"));
    }
    if (!node.one_of.empty() && count(node.one_of) != 1) {
      add(Violation::Kind::Combination, path,
          absl::StrCat("Invalid value: ", shown(value), ": must validate one and only one schema (oneOf)"));
    }
    if (node.none_of && holds(value, *node.none_of)) {
      add(Violation::Kind::Combination, path,
          absl::StrCat("Invalid value: ", shown(value), ": must not validate the schema (not)"));
    }
  }

  std::vector<Violation>& violations_;
};

}  // namespace

void Schema::validate(const nlohmann::json& object, std::vector<Violation>& violations) const {
  Check(violations).node(object, *root_, "");
}

}  // namespace headroom::schema
