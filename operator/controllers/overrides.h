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
  Size written;                ///< what Headroom last wrote or is about to write
  std::optional<Size> former;  ///< what it wrote before that: a crash between the two patches leaves this standing
  absl::Time written_at;
  std::string target;  ///< "ns/name" of the ScaleTarget
  bool operator==(const OriginalRecord&) const = default;
};

std::string to_annotation(const OriginalRecord& record);
Result<OriginalRecord> record_from_annotation(const std::string& text);

/// What is known about an object's size and who holds it.
struct SizeObservation {
  std::string uid;
  Size now;
  std::optional<OriginalRecord> annotation;
  std::optional<api::Originals> status_originals;  ///< fall-back when the annotation was stripped
  std::optional<int> status_in_force;
  std::string other_manager;
};

/// The originals and what is ours, after foreign edits are taken into account (design rules in api.md):
/// a value that is neither the original nor ours becomes the new original; a copy of an object restored elsewhere
/// (other uid, but the value we wrote) keeps the annotation's originals; any other new uid gets fresh ones.
struct Ownership {
  Size original;
  bool held = false;  ///< an override of ours is recorded
  Size written;       ///< meaningful while held
  absl::Time written_at;
  bool foreign_edit = false;  ///< the present value is not what we wrote
  bool new_original = false;  ///< and it replaces the original
};
Ownership resolve_ownership(const SizeObservation& observation);

/// Whether to write over a foreign edit now. Raising is retried with back-off up to once a minute for as long as the
/// phase lasts; lowering at most three times.
struct ContestVerdict {
  std::optional<api::Contest> contest;  ///< the new state; absent: nobody contests
  bool may_write = true;
  std::optional<absl::Duration> retry_in;
};
ContestVerdict judge_contest(const std::optional<api::Contest>& before, const Ownership& ownership, const Size& now,
                             const Size& wanted, const std::string& manager, absl::Time at);

}  // namespace headroom::controllers
