// Reads admission.k8s.io/v1 AdmissionReviews as the API server sends them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "operator/base/result.h"
#include "operator/limits/object_view.h"

namespace headroom::webhook {

enum class Operation { Create, Update, Delete, Connect };

struct GroupVersionResource {
  std::string_view group, version, resource;
};
struct GroupVersionKind {
  std::string_view group, version, kind;
};

/// What the API server asks. Views into what ReviewReader holds and into the body: they end with the next read().
struct Review {
  std::string_view uid;  ///< of the call, not of the object; 1 to kLongestUid bytes
  Operation operation = Operation::Create;
  bool dry_run = false;
  GroupVersionKind kind;  ///< of the object as sent here: converted where the webhook's rule names another version
  GroupVersionResource resource;
  std::string_view sub_resource;          ///< "scale"; empty for the object itself
  GroupVersionResource request_resource;  ///< what the client addressed; `resource` where the review does not tell
  std::string_view request_sub_resource;
  std::string_view ns, name;  ///< empty: cluster-wide; not named yet (generateName)
  std::string_view username;
  /// Null where the review has none; Create and Update have `object`, Update has `old_object`. One thread.
  const limits::ObjectView* object = nullptr;
  const limits::ObjectView* old_object = nullptr;
};

/// Longer uids than the 36 bytes of a UUID are nothing to send back.
inline constexpr std::size_t kLongestUid = 256;

/// Reads one body after the other into the same buffers. One thread.
class ReviewReader {
 public:
  ReviewReader();
  ~ReviewReader();
  ReviewReader(const ReviewReader&) = delete;
  ReviewReader& operator=(const ReviewReader&) = delete;

  /// InvalidArgument says what is wrong with a body that is no v1 AdmissionReview in strict JSON: UTF-8, no key twice
  /// in any object, at most 1,024 levels deep. Integers beyond 64 bits are fine, as the API server writes a stored 1e20
  /// so; a number that no double can hold is not. Without a copy when the body has net::kBodyPadding bytes of
  /// capacity behind it. The body must stay as it is while the review is used.
  Result<const Review*> read(const std::string& body);

  /// The uid of the body that was read last, also when that was refused; empty where it could not be read.
  std::string_view uid() const;

  /// Gives back the memory that a large body took, and ends the review.
  void trim();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::webhook
