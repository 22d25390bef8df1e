// Typed access to a JSON object: decoding code reads like the schema, and the first fault of a document is kept with
// its path ("spec.phases[2].from: ..."). Nothing here throws, whatever the document holds. Not thread-safe. A reader
// borrows its document and the reader it came from; use it within the call that made it.
#pragma once

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "operator/api/object.h"
#include "operator/base/duration.h"
#include "operator/base/quantity.h"
#include "operator/base/result.h"

namespace headroom::api {

/// The first fault of one document; later ones are mostly its consequences.
class JsonFault {
 public:
  void report(const std::string& path, const std::string& problem);
  bool found() const { return error_.has_value(); }
  /// InvalidArgument, "path: problem". Only after found().
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

/// One value of an enum as JSON spells it.
template <class Enum>
struct EnumName {
  Enum value;
  const char* name;
};

/// The spelling of `value`, for writing.
template <class Enum, std::size_t N>
const char* name_of(Enum value, const EnumName<Enum> (&names)[N]) {
  for (const auto& entry : names) {
    if (entry.value == value) return entry.name;
  }
  return names[0].name;
}

struct IntegerRange {
  int low = std::numeric_limits<int>::min();
  int high = std::numeric_limits<int>::max();
};

/// A JSON object being read. Reading an absent field (or null) yields the fallback; a field of the wrong type or out of
/// range is reported to the fault, naming path, value and remedy, and yields the fallback too. Decoders read on to the
/// end and ask the fault once.
class JsonReader {
 public:
  /// The document itself. `name` stands in front of every path and may be empty. Not being an object is a fault.
  JsonReader(const nlohmann::json& document, std::string_view name, JsonFault& fault);

  bool has(const char* field) const;
  /// Says what is wrong with a field that is well-formed in itself.
  void fail(const char* field, const std::string& problem) const;
  /// Says what is wrong with this object as a whole.
  void fail(const std::string& problem) const;

  std::string text(const char* field, std::string_view fallback = "") const;
  std::string required_text(const char* field) const;
  std::optional<std::string> optional_text(const char* field) const;
  bool boolean(const char* field) const;
  int integer(const char* field, int fallback, IntegerRange range = {}) const;
  std::optional<int> optional_integer(const char* field, IntegerRange range = {}) const;
  /// A counter such as observedGeneration: 0 when absent.
  std::int64_t counter(const char* field) const;
  /// A counter that may not be absent, because 0 would mean something.
  std::int64_t required_counter(const char* field) const;
  absl::Duration duration(const char* field, absl::Duration fallback) const;
  CalendarOffset required_offset(const char* field) const;
  std::optional<absl::Time> time(const char* field) const;
  absl::Time required_time(const char* field) const;
  std::optional<absl::CivilDay> day(const char* field) const;
  std::optional<Quantity> quantity(const char* field) const;
  Quantity required_quantity(const char* field) const;
  /// What cannot be read is left out, and a fault.
  std::vector<Quantity> quantities(const char* field) const;
  /// The family that a quantity is written in; DecimalSI for a number, and where there is no quantity.
  QuantityFormat quantity_format(const char* field) const;
  std::vector<std::string> texts(const char* field) const;
  std::vector<int> integers(const char* field, IntegerRange range = {}) const;
  std::vector<absl::CivilDay> days(const char* field) const;
  std::map<std::string, std::string> text_map(const char* field) const;
  /// metav1.Condition entries; malformed ones are left out, as they are written anew anyway.
  std::vector<Condition> conditions(const char* field) const;
  /// The subtree as compact text, for what is passed through unread; empty when absent.
  std::string raw(const char* field) const;

  template <class Enum, std::size_t N>
  Enum choice(const char* field, const EnumName<Enum> (&names)[N], Enum fallback) const {
    return to_choice(child(field), names, fallback);
  }
  template <class Enum, std::size_t N>
  std::vector<Enum> choices(const char* field, const EnumName<Enum> (&names)[N]) const {
    std::vector<Enum> values;
    for (std::size_t i = 0, n = size(field); i < n; ++i) {
      const JsonReader list = child(field);
      values.push_back(to_choice(list.element(i), names, names[0].value));
    }
    return values;
  }

  /// Calls `read(JsonReader)` when the field is there; faults when it is no object.
  template <class Read>
  void object(const char* field, Read read) const {
    if (!has(field)) return;
    const JsonReader inner = child(field);
    if (inner.require_object()) read(inner);
  }
  /// Calls `read(JsonReader)` for each object of a list.
  template <class Read>
  void list(const char* field, Read read) const {
    for (std::size_t i = 0, n = size(field); i < n; ++i) {
      const JsonReader items = child(field);
      const JsonReader item = items.element(i);
      if (item.require_object()) read(item);
    }
  }

 private:
  JsonReader(const nlohmann::json* value, const JsonReader* parent, const char* field, std::size_t index,
             JsonFault& fault);

  JsonReader child(const char* field) const;
  JsonReader element(std::size_t index) const;
  /// Elements of a list; 0 when absent; a fault when it is something else.
  std::size_t size(const char* field) const;
  bool require_object() const;
  std::string path() const;
  /// Reports "must be <wanted>, not <value>" here.
  void mismatch(const std::string& wanted) const;
  void absent(const std::string& wanted) const;

  const std::string* as_text() const;
  std::optional<int> as_integer(IntegerRange range) const;
  std::optional<absl::CivilDay> as_day() const;
  std::optional<Quantity> as_quantity() const;
  std::optional<std::size_t> index_among(std::span<const char* const> names) const;

  template <class Enum, std::size_t N>
  static Enum to_choice(const JsonReader& reader, const EnumName<Enum> (&names)[N], Enum fallback) {
    const char* spellings[N];
    for (std::size_t i = 0; i < N; ++i) spellings[i] = names[i].name;
    const std::optional<std::size_t> index = reader.index_among(spellings);
    return index ? names[*index].value : fallback;
  }

  const nlohmann::json* value_;  ///< null when absent or JSON null
  const JsonReader* parent_;     ///< null for the document
  const char* field_;            ///< null for an element of a list
  std::size_t index_ = 0;
  std::string_view name_;  ///< of the document
  JsonFault* fault_;
};

}  // namespace headroom::api
