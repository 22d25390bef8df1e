// What a limit may ask of an object, whatever holds it: a review's JSON or a cached copy. Pure; the views that come
// back live as long as the object.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "operator/api/json_path.h"

namespace headroom::limits {

class ObjectView {
 public:
  virtual ~ObjectView() = default;

  /// Text: the content of a string. Number: as NumberText has it. Boolean: "true" or "false". Other: an object or a
  /// list, without text.
  struct Scalar {
    enum class Kind { Text, Number, Boolean, Other } kind = Kind::Other;
    std::string_view text;
  };
  /// Calls `take` with each value that the path names, in the order of the document; not with what is absent or null.
  /// Its text is there during that call.
  virtual void each(const api::JsonPath& path, absl::FunctionRef<void(const Scalar&)> take) const = 0;

  /// metadata.labels[key]; nullopt where it is not there or no string.
  virtual std::optional<std::string_view> label(std::string_view key) const = 0;

  /// Of the metadata; empty where not there.
  virtual std::string_view name() const = 0;
  virtual std::string_view ns() const = 0;
  virtual std::string_view uid() const = 0;
  virtual std::string_view resource_version() const = 0;
  /// Has a deletionTimestamp.
  virtual bool deleting() const = 0;

  /// No less than compact_bytes(), and known at once: whatever that is compared with is mostly far larger.
  virtual std::size_t most_bytes() const = 0;
  /// Bytes of the compact JSON without metadata.managedFields.
  virtual std::size_t compact_bytes() const = 0;
  /// A hash of the JSON text without metadata.managedFields: of two objects from one sender, equal where nothing else
  /// differs either.
  virtual std::uint64_t digest() const = 0;
};

}  // namespace headroom::limits
