#include "operator/controllers/overrides.h"

namespace headroom::controllers {
namespace {

using Bound = std::optional<int> Size::*;
constexpr Bound kBounds[] = {&Size::min, &Size::max};

/// What the status can still say about an override whose annotation is gone. It has no words for an absent bound, so
/// one that was absent comes back as the default that stood for it.
std::optional<OriginalRecord> record_from_status(const SizeObservation& observation) {
  const auto& originals = observation.status_originals;
  if (!originals || originals->uid != observation.uid || !observation.status_in_force) return std::nullopt;
  OriginalRecord record;
  record.uid = originals->uid;
  record.original.min = originals->min;
  record.written.min = observation.status_in_force;
  if (observation.now.max) {
    record.original.max = originals->max;
    record.written.max = observation.status_max.value_or(originals->max);
  }
  record.written_at = observation.status_since.value_or(absl::UnixEpoch());
  return record;
}

bool is_ours(const OriginalRecord& record, Bound bound, std::optional<int> value) {
  return value == record.written.*bound || (record.former && value == (*record.former).*bound);
}

Ownership not_held(const Size& now) {
  Ownership ownership;
  ownership.original = now;
  return ownership;
}

Ownership held_by(const OriginalRecord& record) {
  Ownership ownership;
  ownership.original = record.original;
  ownership.held = true;
  ownership.written = record.written;
  ownership.written_at = record.written_at;
  return ownership;
}

/// The object has another uid than the one that was annotated.
Ownership of_copy(const OriginalRecord& record, const Size& now) {
  bool inflated = false;
  for (const Bound bound : kBounds) {
    inflated = inflated || (record.written.*bound != record.original.*bound && is_ours(record, bound, now.*bound));
  }
  if (!inflated) return not_held(now);
  Ownership kept = held_by(record);
  for (const Bound bound : kBounds) {
    if (is_ours(record, bound, now.*bound)) continue;
    kept.original.*bound = now.*bound;
    kept.foreign_edit = kept.new_original = true;
  }
  return kept;
}

}  // namespace

Ownership resolve_ownership(const SizeObservation& observation) {
  const Size& now = observation.now;
  const std::optional<OriginalRecord> record =
      observation.annotation ? observation.annotation : record_from_status(observation);
  if (!record) return not_held(now);
  if (record->uid != observation.uid) return of_copy(*record, now);

  Ownership ownership = held_by(*record);
  // Once the status says that the write landed, the former value standing is no crash's work but somebody's.
  const bool landed = observation.status_in_force.has_value() && observation.status_in_force == record->written.min;
  for (const Bound bound : kBounds) {
    const std::optional<int> value = now.*bound;
    if (value == record->written.*bound) continue;
    const bool former = is_ours(*record, bound, value);
    if (former && !landed) continue;
    ownership.foreign_edit = true;
    if (former || value == record->original.*bound) continue;  // put back by somebody
    ownership.original.*bound = value;
    ownership.new_original = true;
  }
  return ownership;
}

}  // namespace headroom::controllers
