// One line of a watch, decoded: {"type": ..., "object": ...}. Any bytes may arrive here; none may crash. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "operator/base/result.h"
#include "operator/runtime/watch_machine.h"

namespace headroom::runtime {

/// ADDED or MODIFIED: the store treats both alike, because a reconnected watch may call either the other.
struct ObjectApplied {
  nlohmann::json object;
  ResourceVersion at;
};
struct ObjectDeleted {
  nlohmann::json object;  ///< its last state
  ResourceVersion at;     ///< of the deletion
};
/// A metav1.Status in the stream, as the input it means to the machine (Gone or WatchFailed).
struct StatusReceived {
  WatchInput input;
  std::string message;
};
using WatchEvent = std::variant<ObjectApplied, ObjectDeleted, Bookmark, StatusReceived>;

/// An error (always Internal) means that the stream can no longer be trusted: bad JSON, an unknown type, an object
/// without a name or a version, nesting beyond kDeepestObject.
Result<WatchEvent> decode_watch_event(std::string_view line);

/// What a failed list or a failed start of a watch means to the machine.
ListFailed list_failure(const Error& error);
WatchInput watch_failure(const Error& error);

/// Deeper than any object an API server stores (its own decoder stops at 10,000, a CRD's schema needs some tens), and
/// shallow enough for every recursive walk over the document.
inline constexpr int kDeepestObject = 512;

}  // namespace headroom::runtime
