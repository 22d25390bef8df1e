#include "operator/runtime/watch_event.h"

#include <algorithm>
#include <utility>

#include "operator/runtime/event_object.h"

namespace headroom::runtime {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// What of a peer's text may go into messages and logs, in bytes.
constexpr std::size_t kLongestQuote = 64, kLongestMessage = 1024;

Error untrusted(const std::string& what) {
  return Error{ErrorCode::Internal, "watch: " + what + "; the stream is abandoned and everything read again", 0, {}};
}

/// True when brackets outside strings nest no deeper than `limit`. The parser itself has no bound, and walks over its
/// result (dump, copy) recurse.
bool nests_at_most(std::string_view text, int limit) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > limit) return false;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return true;
}

/// The string at `object[key]`, empty when there is none.
std::string string_at(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

long long number_at(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number_integer()) return 0;
  return it->is_number_unsigned() ? static_cast<long long>(std::min<std::uint64_t>(it->get<std::uint64_t>(), 1'000'000))
                                  : it->get<std::int64_t>();
}

WatchInput status_means(const json& status) {
  const long long code = number_at(status, "code");
  const std::string reason = string_at(status, "reason");
  if (code == 410 || reason == "Expired" || reason == "Gone") return Gone{};
  WatchFailed failure;
  failure.unclassified = code != 429 && code != 503 && code != 504;
  if (const auto details = status.find("details"); details != status.end() && details->is_object()) {
    failure.retry_after = std::chrono::seconds(std::clamp(number_at(*details, "retryAfterSeconds"), 0LL, 86'400LL));
  }
  return failure;
}

}  // namespace

Result<WatchEvent> decode_watch_event(std::string_view line) {
  if (!nests_at_most(line, kDeepestObject)) {
    return untrusted("an object nests deeper than " + std::to_string(kDeepestObject));
  }
  json event = json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!event.is_object()) return untrusted("a line of " + std::to_string(line.size()) + " bytes is no JSON object");
  const std::string type = bounded_text(string_at(event, "type"), kLongestQuote);
  const auto found = event.find("object");
  if (found == event.end() || !found->is_object()) return untrusted("an event of type '" + type + "' has no object");
  json& object = *found;
  if (type == "ERROR")
    return WatchEvent(
        StatusReceived{status_means(object), bounded_text(string_at(object, "message"), kLongestMessage)});

  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) return untrusted(type + " carries no metadata");
  ResourceVersion at = string_at(*metadata, "resourceVersion");
  if (at.empty()) return untrusted(type + " carries no metadata.resourceVersion");
  if (type == "BOOKMARK") return WatchEvent(Bookmark{std::move(at)});
  if (string_at(*metadata, "name").empty()) return untrusted(type + " carries no metadata.name");
  if (type == "ADDED" || type == "MODIFIED") return WatchEvent(ObjectApplied{std::move(object), std::move(at)});
  if (type == "DELETED") return WatchEvent(ObjectDeleted{std::move(object), std::move(at)});
  return untrusted("unknown event type '" + type + "'");
}

ListFailed list_failure(const Error& error) {
  return {error.code == ErrorCode::Gone, error.retry_after.value_or(milliseconds(0))};
}

WatchInput watch_failure(const Error& error) {
  if (error.code == ErrorCode::Gone) return Gone{};
  const bool peer_is_away = error.code == ErrorCode::Unavailable || error.code == ErrorCode::TooManyRequests ||
                            error.code == ErrorCode::Timeout;
  return WatchFailed{!peer_is_away, error.retry_after.value_or(milliseconds(0))};
}

}  // namespace headroom::runtime
