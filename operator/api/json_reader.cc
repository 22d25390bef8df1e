#include "operator/api/json_reader.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace headroom::api {
namespace {

using nlohmann::json;

/// What a person wrote, short enough for a message.
std::string shown(const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "a list";
    case json::value_t::null:
      return "null";
    default:
      break;
  }
  constexpr std::size_t kLongest = 60;
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "…";
  return text;
}

}  // namespace

void JsonFault::report(const std::string& path, const std::string& problem) {
  if (!error_) error_ = invalid(path.empty() ? problem : absl::StrCat(path, ": ", problem));
}

JsonReader::JsonReader(const json& document, std::string_view name, JsonFault& fault)
    : value_(&document), parent_(nullptr), field_(nullptr), name_(name), fault_(&fault) {
  require_object();
}

JsonReader::JsonReader(const json* value, const JsonReader* parent, const char* field, std::size_t index,
                       JsonFault& fault)
    : value_(value), parent_(parent), field_(field), index_(index), fault_(&fault) {}

JsonReader JsonReader::child(const char* field) const {
  const json* found = nullptr;
  if (value_ != nullptr && value_->is_object()) {
    const auto it = value_->find(field);
    if (it != value_->end() && !it->is_null()) found = &*it;
  }
  return {found, this, field, 0, *fault_};
}

JsonReader JsonReader::element(std::size_t index) const { return {&(*value_)[index], this, nullptr, index, *fault_}; }

std::size_t JsonReader::size(const char* field) const {
  const JsonReader list = child(field);
  if (list.value_ == nullptr) return 0;
  if (!list.value_->is_array()) {
    list.mismatch("a list");
    return 0;
  }
  return list.value_->size();
}

bool JsonReader::has(const char* field) const { return child(field).value_ != nullptr; }

bool JsonReader::require_object() const {
  if (value_ != nullptr && value_->is_object()) return true;
  mismatch("an object");
  return false;
}

std::string JsonReader::path() const {
  if (parent_ == nullptr) return std::string(name_);
  const std::string before = parent_->path();
  if (field_ == nullptr) return absl::StrCat(before, "[", index_, "]");
  return before.empty() ? field_ : absl::StrCat(before, ".", field_);
}

void JsonReader::mismatch(const std::string& wanted) const {
  fault_->report(path(), absl::StrCat("must be ", wanted, ", not ", value_ == nullptr ? "absent" : shown(*value_)));
}

void JsonReader::fail(const char* field, const std::string& problem) const {
  fault_->report(child(field).path(), problem);
}

void JsonReader::fail(const std::string& problem) const { fault_->report(path(), problem); }

const std::string* JsonReader::as_text() const {
  if (value_ == nullptr) return nullptr;
  const auto* text = value_->get_ptr<const std::string*>();
  if (text == nullptr) mismatch("a string");
  return text;
}

std::string JsonReader::text(const char* field, std::string_view fallback) const {
  const std::string* text = child(field).as_text();
  return text == nullptr ? std::string(fallback) : *text;
}

std::string JsonReader::required_text(const char* field) const {
  const JsonReader reader = child(field);
  const std::string* text = reader.as_text();
  if (text == nullptr || text->empty()) reader.mismatch("a string that is not empty");
  return text == nullptr ? std::string() : *text;
}

std::optional<std::string> JsonReader::optional_text(const char* field) const {
  const std::string* text = child(field).as_text();
  return text == nullptr ? std::nullopt : std::optional(*text);
}

bool JsonReader::boolean(const char* field) const {
  const JsonReader reader = child(field);
  if (reader.value_ == nullptr) return false;
  const auto* value = reader.value_->get_ptr<const bool*>();
  if (value == nullptr) reader.mismatch("true or false");
  return value != nullptr && *value;
}

std::optional<int> JsonReader::as_integer(IntegerRange range) const {
  if (value_ == nullptr) return std::nullopt;
  if (value_->is_number_integer()) {
    // An unsigned value beyond int64 wraps to a negative one, so it is judged by its own type.
    const bool fits = value_->is_number_unsigned()
                          ? value_->get<std::uint64_t>() <= static_cast<std::uint64_t>(std::max(range.high, 0))
                          : value_->get<std::int64_t>() <= range.high;
    if (fits && value_->get<std::int64_t>() >= range.low) return static_cast<int>(value_->get<std::int64_t>());
  }
  mismatch(absl::StrCat("a whole number from ", range.low, " to ", range.high));
  return std::nullopt;
}

int JsonReader::integer(const char* field, int fallback, IntegerRange range) const {
  return child(field).as_integer(range).value_or(fallback);
}

std::optional<int> JsonReader::optional_integer(const char* field, IntegerRange range) const {
  return child(field).as_integer(range);
}

std::int64_t JsonReader::counter(const char* field) const {
  const JsonReader reader = child(field);
  if (reader.value_ == nullptr) return 0;
  if (reader.value_->is_number_integer()) {
    const auto value = reader.value_->get<std::int64_t>();
    if (value >= 0) return value;
  }
  reader.mismatch("a whole number that is not negative");
  return 0;
}

std::int64_t JsonReader::required_counter(const char* field) const {
  if (!has(field)) child(field).mismatch("a whole number that is not negative");
  return counter(field);
}

absl::Duration JsonReader::duration(const char* field, absl::Duration fallback) const {
  const JsonReader reader = child(field);
  const std::string* text = reader.as_text();
  if (text == nullptr) return fallback;
  const Result<absl::Duration> parsed = parse_duration(*text);
  if (!parsed) reader.fail(parsed.error().message);
  return parsed ? parsed.value() : fallback;
}

CalendarOffset JsonReader::required_offset(const char* field) const {
  const JsonReader reader = child(field);
  if (reader.value_ == nullptr) reader.mismatch("an offset such as -P3D, P1DT6H or P0D");
  const std::string* text = reader.as_text();
  if (text == nullptr) return {};
  const Result<CalendarOffset> parsed = parse_calendar_offset(*text);
  if (!parsed) reader.fail(parsed.error().message);
  return parsed ? parsed.value() : CalendarOffset{};
}

std::optional<absl::Time> JsonReader::time(const char* field) const {
  const JsonReader reader = child(field);
  const std::string* text = reader.as_text();
  if (text == nullptr) return std::nullopt;
  const Result<absl::Time> parsed = parse_rfc3339(*text);
  if (parsed) return parsed.value();
  reader.fail(parsed.error().message);
  return std::nullopt;
}

absl::Time JsonReader::required_time(const char* field) const {
  const JsonReader reader = child(field);
  if (reader.value_ == nullptr) reader.mismatch("an instant such as 2026-11-08T00:00:00+05:30");
  return time(field).value_or(absl::UnixEpoch());
}

std::optional<absl::CivilDay> JsonReader::as_day() const {
  const std::string* text = as_text();
  if (text == nullptr) return std::nullopt;
  absl::CivilDay day;
  // Abseil also takes "2026-2-3" and blanks; the API only the full form.
  if (absl::ParseCivilTime(*text, &day) && absl::FormatCivilTime(day) == *text) return day;
  mismatch("a day of the calendar such as 2026-11-08");
  return std::nullopt;
}

std::optional<absl::CivilDay> JsonReader::day(const char* field) const { return child(field).as_day(); }

std::optional<Quantity> JsonReader::as_quantity() const {
  if (value_ == nullptr) return std::nullopt;
  if (value_->is_number_unsigned() && value_->get<std::int64_t>() < 0) {
    mismatch("a quantity below 2^63");
    return std::nullopt;
  }
  if (value_->is_number_integer()) return Quantity::from_int(value_->get<std::int64_t>());
  const auto* text = value_->get_ptr<const std::string*>();
  if (text == nullptr) {
    mismatch("a quantity: a whole number, or a string such as \"0.5\", \"1500m\" or \"20Gi\"");
    return std::nullopt;
  }
  const Result<Quantity> parsed = Quantity::parse(*text);
  if (parsed) return parsed.value();
  fail(parsed.error().message);
  return std::nullopt;
}

std::optional<Quantity> JsonReader::quantity(const char* field) const { return child(field).as_quantity(); }

QuantityFormat JsonReader::quantity_format(const char* field) const {
  const std::string* text = has(field) ? child(field).value_->get_ptr<const std::string*>() : nullptr;
  const auto written = text == nullptr ? Result<WrittenQuantity>(WrittenQuantity{}) : Quantity::parse_written(*text);
  return written ? written.value().format : QuantityFormat::DecimalSI;
}

Quantity JsonReader::required_quantity(const char* field) const {
  if (!has(field)) child(field).mismatch("a quantity such as 100, \"0.5\" or \"20Gi\"");
  return quantity(field).value_or(Quantity());
}

std::vector<std::string> JsonReader::texts(const char* field) const {
  std::vector<std::string> values;
  const std::size_t count = size(field);
  const JsonReader list = child(field);
  for (std::size_t i = 0; i < count; ++i) {
    const JsonReader item = list.element(i);
    if (const std::string* text = item.as_text()) values.push_back(*text);
  }
  return values;
}

std::vector<int> JsonReader::integers(const char* field, IntegerRange range) const {
  std::vector<int> values;
  const std::size_t count = size(field);
  const JsonReader list = child(field);
  for (std::size_t i = 0; i < count; ++i) {
    if (const std::optional<int> value = list.element(i).as_integer(range)) values.push_back(*value);
  }
  return values;
}

std::vector<Quantity> JsonReader::quantities(const char* field) const {
  std::vector<Quantity> values;
  const std::size_t count = size(field);
  const JsonReader list = child(field);
  for (std::size_t i = 0; i < count; ++i) {
    if (const std::optional<Quantity> value = list.element(i).as_quantity()) values.push_back(*value);
  }
  return values;
}

std::vector<absl::CivilDay> JsonReader::days(const char* field) const {
  std::vector<absl::CivilDay> values;
  const std::size_t count = size(field);
  const JsonReader list = child(field);
  for (std::size_t i = 0; i < count; ++i) {
    if (const std::optional<absl::CivilDay> day = list.element(i).as_day()) values.push_back(*day);
  }
  return values;
}

std::map<std::string, std::string> JsonReader::text_map(const char* field) const {
  std::map<std::string, std::string> values;
  object(field, [&](const JsonReader& reader) {
    for (const auto& [key, value] : reader.value_->items()) {
      const JsonReader item(&value, &reader, key.c_str(), 0, *fault_);
      if (const std::string* text = item.as_text()) values.emplace(key, *text);
    }
  });
  return values;
}

std::vector<Condition> JsonReader::conditions(const char* field) const {
  const JsonReader reader = child(field);
  return reader.value_ == nullptr ? std::vector<Condition>() : conditions_from_json(*reader.value_);
}

std::string JsonReader::raw(const char* field) const {
  const JsonReader reader = child(field);
  if (reader.value_ == nullptr) return {};
  return reader.value_->dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<std::size_t> JsonReader::index_among(std::span<const char* const> names) const {
  const std::string* text = as_text();
  if (text == nullptr) return std::nullopt;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (*text == names[i]) return i;
  }
  mismatch(absl::StrCat("one of ", absl::StrJoin(names, ", ")));
  return std::nullopt;
}

}  // namespace headroom::api
