#include "operator/cel/value.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "operator/base/duration.h"

namespace headroom::cel {
namespace {

template <class T>
int three_way(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

int compare_to_double(std::int64_t whole, double other) {
  if (std::isnan(other)) return kIncomparable;
  // 2^63 as a double: what is beyond it has no int64 to compare with.
  constexpr double kEnd = 9223372036854775808.0;
  if (other >= kEnd) return -1;
  if (other < -kEnd) return 1;
  const auto truncated = static_cast<std::int64_t>(other);
  if (whole != truncated) return three_way(whole, truncated);
  return three_way(0.0, other - static_cast<double>(truncated));
}

int compare_to_double(std::uint64_t whole, double other) {
  if (std::isnan(other)) return kIncomparable;
  constexpr double kEnd = 18446744073709551616.0;
  if (other >= kEnd) return -1;
  if (other < 0) return 1;
  const auto truncated = static_cast<std::uint64_t>(other);
  if (whole != truncated) return three_way(whole, truncated);
  return three_way(0.0, other - static_cast<double>(truncated));
}

int compare_whole(std::int64_t a, std::uint64_t b) { return a < 0 ? -1 : three_way(static_cast<std::uint64_t>(a), b); }

int reversed(int order) { return order == kIncomparable ? order : -order; }

int compare_numbers(const Value& a, const Value& b) {
  const auto *a_int = a.as<std::int64_t>(), *b_int = b.as<std::int64_t>();
  const auto *a_uint = a.as<std::uint64_t>(), *b_uint = b.as<std::uint64_t>();
  const auto *a_double = a.as<double>(), *b_double = b.as<double>();
  if (a_int && b_int) return three_way(*a_int, *b_int);
  if (a_uint && b_uint) return three_way(*a_uint, *b_uint);
  if (a_int && b_uint) return compare_whole(*a_int, *b_uint);
  if (a_uint && b_int) return reversed(compare_whole(*b_int, *a_uint));
  if (a_int) return compare_to_double(*a_int, *b_double);
  if (a_uint) return compare_to_double(*a_uint, *b_double);
  if (b_int) return reversed(compare_to_double(*b_int, *a_double));
  if (b_uint) return reversed(compare_to_double(*b_uint, *a_double));
  if (std::isnan(*a_double) || std::isnan(*b_double)) return kIncomparable;
  return three_way(*a_double, *b_double);
}

template <class T>
const T* both(const Value& a, const Value& b, const T*& other) {
  other = b.as<T>();
  return other ? a.as<T>() : nullptr;
}

}  // namespace

std::string Value::type_name() const {
  static constexpr const char* kNames[] = {"null_type",
                                           "bool",
                                           "int",
                                           "uint",
                                           "double",
                                           "string",
                                           "bytes",
                                           "google.protobuf.Timestamp",
                                           "google.protobuf.Duration",
                                           "list",
                                           "map",
                                           "kubernetes.Quantity",
                                           "kubernetes.URL",
                                           "type"};
  static_assert(std::size(kNames) == std::variant_size_v<Variant>);
  return kNames[value_.index()];
}

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  if (const List* other = nullptr; const List* list = both(a, b, other)) {
    return list->size() == other->size() && std::equal(list->begin(), list->end(), other->begin(), equal);
  }
  if (const Map* other = nullptr; const Map* map = both(a, b, other)) {
    return map->size() == other->size() && std::ranges::all_of(*map, [&](const auto& entry) {
             const Value* found = find(*other, entry.first);
             return found && equal(entry.second, *found);
           });
  }
  if (const Url* other = nullptr; const Url* url = both(a, b, other)) return url->text == other->text;
  if (const TypeName* other = nullptr; const TypeName* type = both(a, b, other)) return type->name == other->name;
  if (const Quantity* other = nullptr; const Quantity* quantity = both(a, b, other)) return *quantity == *other;
  return compare(a, b) == 0;
}

int compare(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return compare_numbers(a, b);
  if (const bool* other = nullptr; const bool* one = both(a, b, other)) return three_way(*one, *other);
  if (const std::string* other = nullptr; const std::string* one = both(a, b, other)) {
    return three_way(*one, *other);  // UTF-8 orders bytes as code points
  }
  if (const Bytes* other = nullptr; const Bytes* one = both(a, b, other)) return three_way(one->data, other->data);
  if (const absl::Time* other = nullptr; const absl::Time* one = both(a, b, other)) return three_way(*one, *other);
  if (const absl::Duration* other = nullptr; const absl::Duration* one = both(a, b, other)) {
    return three_way(*one, *other);
  }
  return kIncomparable;
}

const Value* find(const Map& map, const Value& key) {
  const auto found = std::ranges::find_if(map, [&](const auto& entry) { return equal(entry.first, key); });
  return found == map.end() ? nullptr : &found->second;
}

Value from_json(const nlohmann::json& json) {
  if (json.is_boolean()) return Value(json.get<bool>());
  if (json.is_string()) return Value(json.get<std::string>());
  if (json.is_number_float()) return Value(json.get<double>());
  if (json.is_number_unsigned()) {
    const auto number = json.get<std::uint64_t>();
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return number <= kMost ? Value(static_cast<std::int64_t>(number)) : Value(static_cast<double>(number));
  }
  if (json.is_number_integer()) return Value(json.get<std::int64_t>());
  if (json.is_array()) {
    List list;
    list.reserve(json.size());
    for (const auto& element : json) list.push_back(from_json(element));
    return Value(std::move(list));
  }
  if (json.is_object()) {
    Map map;
    for (const auto& [key, value] : json.items()) map.emplace_back(Value(key), from_json(value));
    return Value(std::move(map));
  }
  return Value();
}

std::string to_text(const Value& value) {
  if (const auto* number = value.as<std::int64_t>()) return absl::StrCat(*number);
  if (const auto* number = value.as<std::uint64_t>()) return absl::StrCat(*number, "u");
  if (const auto* number = value.as<double>()) return absl::StrCat(*number);
  if (const auto* flag = value.as<bool>()) return *flag ? "true" : "false";
  if (const auto* text = value.as<std::string>()) return nlohmann::json(*text).dump();
  if (const auto* time = value.as<absl::Time>()) return format_rfc3339(*time);
  if (const auto* duration = value.as<absl::Duration>()) return absl::FormatDuration(*duration);
  if (const auto* quantity = value.as<Quantity>()) return quantity->to_string();
  if (const auto* url = value.as<Url>()) return url->text;
  if (const auto* type = value.as<TypeName>()) return type->name;
  if (const auto* list = value.as<List>()) {
    std::string text = "[";
    for (const Value& element : *list) absl::StrAppend(&text, text.size() > 1 ? ", " : "", to_text(element));
    return text + "]";
  }
  if (const auto* map = value.as<Map>()) {
    std::string text = "{";
    for (const auto& [key, element] : *map) {
      absl::StrAppend(&text, text.size() > 1 ? ", " : "", to_text(key), ": ", to_text(element));
    }
    return text + "}";
  }
  return value.as<Bytes>() ? "bytes" : "null";
}

}  // namespace headroom::cel
