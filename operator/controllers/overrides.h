// Taking a size over and putting it back, as pure functions. What an object said before is kept in an annotation of the
// object, written in the same patch as the override (or, where the size lies behind /scale, in a patch just before it).
// The annotation wins over the ScaleTarget's status, which backup, restore or pruning can lose.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>

#include "operator/api/scale_target.h"
#include "operator/base/result.h"

namespace headroom::controllers {

/// Bounds as an object writes them. A single size has only `min`. Absent: the field was not there, and putting back
/// removes it again.
struct Size {
  std::optional<int> min, max;
  bool operator==(const Size&) const = default;
};

/// The content of the annotation headroom.dev/original.
struct OriginalRecord {
  std::string uid;  ///< of the annotated object
  Size original;
  Size written;  ///< what Headroom last wrote or is about to write
  /// What stood before `written`, where annotation and size are two patches: a crash between them leaves it standing.
  std::optional<Size> former;
  absl::Time written_at;  ///< when written.min last changed; whole seconds
  std::string target;     ///< "ns/name" of the ScaleTarget
  bool operator==(const OriginalRecord&) const = default;
};

/// One line of JSON, the same for equal records.
std::string to_annotation(const OriginalRecord& record);
/// Ignores fields it does not know. InvalidArgument says what is wrong and what to do: a record that cannot be read
/// must never make an inflated size pass for the original.
Result<OriginalRecord> record_from_annotation(const std::string& text);

/// What is known about an object's size and who holds it.
struct SizeObservation {
  std::string uid;
  Size now;
  std::optional<OriginalRecord> annotation;
  // What the ScaleTarget's status says; the fall-back when the annotation was stripped.
  std::optional<api::Originals> status_originals;
  std::optional<int> status_in_force;
  std::optional<absl::Time> status_since;  ///< of status_in_force
  std::optional<int> status_max;           ///< the maximum last written, for objects that have one
  std::string other_manager;
};

/// The originals and what is ours, after foreign edits are taken into account (design rules in api.md). Minimum and
/// maximum are judged each by itself, so that a new maximum never makes our minimum pass for an original. A value that
/// is neither the original nor ours becomes the new original; the original found again while we hold is somebody
/// putting it back. A copy of an object restored elsewhere (other uid, but the value we wrote) keeps the annotation's
/// originals; any other new uid gets fresh ones.
struct Ownership {
  Size original;
  bool held = false;  ///< an override of ours is recorded
  Size written;       ///< meaningful while held
  absl::Time written_at = absl::UnixEpoch();
  bool foreign_edit = false;  ///< the present value is not what we wrote
  bool new_original = false;  ///< and it replaces the original
};
Ownership resolve_ownership(const SizeObservation& observation);

/// Whether to write over a foreign edit now.
struct ContestVerdict {
  /// The new state, to be kept once the write has landed; absent: nobody contests. `times` 0: somebody gave a new
  /// original, which is no contest yet.
  Boxed<api::Contest> contest;
  bool may_write = true;
  std::optional<absl::Duration> retry_in;  ///< when to judge again, by itself
};

/// A new original is written over at once. After that, raising waits 1 s, 2 s, … 60 s since the write before, for as
/// long as the phase lasts; lowering is tried three times and then left. The contest ends when our value has stood for
/// ten minutes.
ContestVerdict judge_contest(const Boxed<api::Contest>& before, const Ownership& ownership, const Size& now,
                             const Size& wanted, const std::string& manager, absl::Time at);

}  // namespace headroom::controllers
