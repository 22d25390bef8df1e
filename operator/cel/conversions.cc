// int(), string() and the like, type() and size().
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "operator/base/duration.h"
#include "operator/cel/expression.h"
#include "operator/cel/text.h"

namespace headroom::cel {
namespace {

Error out_of_range(const char* type) { return cel_error(absl::StrCat("range error: the value does not fit ", type)); }
Error unreadable(const char* type, const std::string& text) {
  return cel_error(absl::StrCat("type conversion error: \"", text, "\" is no ", type));
}

template <class T>
bool parse_whole(std::string_view text, T& value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Result<Value> to_int(const Call& call) {
  const Value& from = call[0];
  if (from.as<std::int64_t>()) return from;
  if (const auto* number = from.as<std::uint64_t>()) {
    if (*number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return out_of_range("int");
    return Value(static_cast<std::int64_t>(*number));
  }
  if (const auto* number = from.as<double>()) {
    if (!(*number > -9223372036854775808.0 && *number < 9223372036854775808.0)) return out_of_range("int");
    return Value(static_cast<std::int64_t>(*number));
  }
  if (const auto* text = from.as<std::string>()) {
    std::int64_t value = 0;
    if (!parse_whole(*text, value)) return unreadable("int", *text);
    return Value(value);
  }
  if (const auto* time = from.as<absl::Time>()) return Value(absl::ToUnixSeconds(*time));
  if (const auto* duration = from.as<absl::Duration>()) return Value(absl::ToInt64Nanoseconds(*duration));
  return no_such_overload("int", call);
}

Result<Value> to_uint(const Call& call) {
  const Value& from = call[0];
  if (from.as<std::uint64_t>()) return from;
  if (const auto* number = from.as<std::int64_t>()) {
    if (*number < 0) return out_of_range("uint");
    return Value(static_cast<std::uint64_t>(*number));
  }
  if (const auto* number = from.as<double>()) {
    if (!(*number >= 0 && *number < 18446744073709551616.0)) return out_of_range("uint");
    return Value(static_cast<std::uint64_t>(*number));
  }
  if (const auto* text = from.as<std::string>()) {
    std::uint64_t value = 0;
    if (text->starts_with('-') || !parse_whole(*text, value)) return unreadable("uint", *text);
    return Value(value);
  }
  return no_such_overload("uint", call);
}

Result<Value> to_double(const Call& call) {
  const Value& from = call[0];
  if (from.as<double>()) return from;
  if (const auto* number = from.as<std::int64_t>()) return Value(static_cast<double>(*number));
  if (const auto* number = from.as<std::uint64_t>()) return Value(static_cast<double>(*number));
  if (const auto* text = from.as<std::string>()) {
    double value = 0;
    if (!absl::SimpleAtod(*text, &value)) return unreadable("double", *text);
    return Value(value);
  }
  return no_such_overload("double", call);
}

Result<Value> to_bool(const Call& call) {
  if (call[0].as<bool>()) return call[0];
  if (const auto* text = call[0].as<std::string>()) {
    for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"}) {
      if (*text == yes) return Value(true);
    }
    for (const char* no : {"0", "f", "F", "FALSE", "false", "False"}) {
      if (*text == no) return Value(false);
    }
    return unreadable("bool", *text);
  }
  return no_such_overload("bool", call);
}

Result<Value> to_string(const Call& call) {
  const Value& from = call[0];
  if (from.as<std::string>()) return from;
  if (const auto* bytes = from.as<Bytes>()) {
    if (!is_utf8(bytes->data)) return cel_error("invalid UTF-8 in bytes, cannot convert to string");
    return Value(bytes->data);
  }
  if (from.is_number() || from.as<bool>() || from.as<absl::Time>() || from.as<absl::Duration>()) {
    return Value(plain_text(from));
  }
  return no_such_overload("string", call);
}

Result<Value> to_bytes(const Call& call) {
  if (call[0].as<Bytes>()) return call[0];
  if (const auto* text = call[0].as<std::string>()) return Value(Bytes{*text});
  return no_such_overload("bytes", call);
}

Result<Value> to_dyn(const Call& call) { return call[0]; }

Result<Value> type_of(const Call& call) { return Value(TypeName{call[0].type_name()}); }

Result<Value> size(const Call& call) {
  if (const auto* text = call[0].as<std::string>()) {
    BOOST_OUTCOME_TRYV(call.evaluation.spend(text->size() / 10));
    return Value(static_cast<std::int64_t>(count_characters(*text)));
  }
  if (const auto* bytes = call[0].as<Bytes>()) return Value(static_cast<std::int64_t>(bytes->data.size()));
  if (const auto* list = call[0].as<List>()) return Value(static_cast<std::int64_t>(list->size()));
  if (const auto* map = call[0].as<Map>()) return Value(static_cast<std::int64_t>(map->size()));
  return no_such_overload("size", call);
}

constexpr Function kFunctions[] = {
    {"int", false, 1, to_int},   {"uint", false, 1, to_uint},     {"double", false, 1, to_double},
    {"bool", false, 1, to_bool}, {"string", false, 1, to_string}, {"bytes", false, 1, to_bytes},
    {"dyn", false, 1, to_dyn},   {"type", false, 1, type_of},     {"size", false, 1, size},
    {"size", true, 1, size},
};

}  // namespace

std::span<const Function> conversion_functions() { return kFunctions; }

}  // namespace headroom::cel
