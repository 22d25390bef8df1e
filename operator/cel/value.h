// What CEL expressions work on. Immutable values that are cheap to copy; thread-safe.
#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "operator/base/quantity.h"

namespace headroom::cel {

class Value;
using List = std::vector<Value>;
/// In the order of the text or of the JSON; keys are bool, int, uint or string, each once.
using Map = std::vector<std::pair<Value, Value>>;

struct Bytes {
  std::string data;
};

/// A type as a value: what `type(1)` and `int` are.
struct TypeName {
  std::string name;
};

/// The Kubernetes library's URL, in its parts.
struct Url {
  std::string text, scheme, host, hostname, port, escaped_path, query;
};

class Value {
 public:
  using Variant = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Bytes,
                               absl::Time, absl::Duration, std::shared_ptr<const List>, std::shared_ptr<const Map>,
                               Quantity, std::shared_ptr<const Url>, TypeName>;

  Value() = default;  ///< null
  template <class T>
  explicit Value(T value) : value_(std::move(value)) {}
  explicit Value(const char* text) : value_(std::string(text)) {}
  explicit Value(std::string_view text) : value_(std::string(text)) {}
  explicit Value(int number) : value_(std::int64_t{number}) {}
  explicit Value(List list) : value_(std::make_shared<const List>(std::move(list))) {}
  explicit Value(Map map) : value_(std::make_shared<const Map>(std::move(map))) {}
  explicit Value(Url url) : value_(std::make_shared<const Url>(std::move(url))) {}

  /// The value as a T; null when it is something else. T: an alternative of Variant, or List, Map, Url.
  template <class T>
  const T* as() const {
    if constexpr (std::is_same_v<T, List> || std::is_same_v<T, Map> || std::is_same_v<T, Url>) {
      const auto* shared = std::get_if<std::shared_ptr<const T>>(&value_);
      return shared ? shared->get() : nullptr;
    } else {
      return std::get_if<T>(&value_);
    }
  }
  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
  bool is_number() const { return as<std::int64_t>() || as<std::uint64_t>() || as<double>(); }
  /// "int", "string", "google.protobuf.Timestamp", as `type()` names it.
  std::string type_name() const;

 private:
  Variant value_ = nullptr;
};

/// CEL's `==`: numbers by their value whatever their type, other types never equal one another.
bool equal(const Value& a, const Value& b);

/// -1, 0, 1; or 2 where the two cannot be compared, or (NaN) neither is before the other.
inline constexpr int kIncomparable = 2;
int compare(const Value& a, const Value& b);

/// The value of a key; null where there is none.
const Value* find(const Map& map, const Value& key);

/// JSON without a schema: whole numbers are ints, objects maps with text keys.
Value from_json(const nlohmann::json& json);

/// As people read it, in messages: 5, "a", [1, 2].
std::string to_text(const Value& value);

}  // namespace headroom::cel
