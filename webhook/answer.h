// Answers to AdmissionReviews, as text. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom::webhook {

/// What becomes of a write. As it is, it is allowed without a word.
struct Answer {
  bool allowed = true;
  /// The client's HTTP status, its `reason` ("Forbidden", "TooManyRequests", ...) and its message, for a denial. The
  /// API server turns codes below 400 into 400 and puts "admission webhook ... denied the request: " in front.
  int code = 403;
  std::string reason{}, message{};
  /// Of a denial: when clients may try again, at least 1 s; client-go does so by itself after a 429.
  std::optional<std::chrono::seconds> retry_after{};
  /// Shown to the client also when the write is allowed. The API server cuts each at 256 bytes.
  std::vector<std::string> warnings{};
  /// Name and value for the audit log; the API server puts the webhook's name in front.
  std::vector<std::pair<std::string, std::string>> audit_annotations{};
};

/// Appends the AdmissionReview that answers the review `uid`: JSON in UTF-8. Bytes in the texts that are no UTF-8
/// become U+FFFD.
void append_answer(std::string& out, std::string_view uid, const Answer& answer);

}  // namespace headroom::webhook
