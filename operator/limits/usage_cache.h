// What is stored under each limit, as this replica's watches show it: a row per matched object, a figure per limit and
// type. Pure; not thread-safe.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/container/inlined_vector.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "operator/limits/amounts.h"
#include "operator/limits/identity.h"
#include "operator/limits/usage_column.h"

namespace headroom::limits {

/// What one object counts under one limit; `amounts` is zero where the limit does not match it.
struct Membership {
  LimitId limit = 0;
  bool matches = false;
  Amounts amounts;
  /// Nothing but the field that its `/scale` writes keeps it out; `amounts` are what it would count.
  bool kept_out = false;
};
using Memberships = absl::InlinedVector<Membership, 1>;

/// What is known of an object at some version.
struct Standing {
  enum class Kind {
    Counts,
    KeptOut,  ///< see Membership
    Out,
    Unseen  ///< that version has not been seen
  };
  Kind kind = Kind::Unseen;
  Amounts amounts{};  ///< of one that counts, or is kept out
};

/// An object in a list or an event.
struct ListedObject {
  Uid uid;
  Uid name;  ///< name_id()
  Revision version = 0;
};

/// One object as it was last seen.
struct SeenObject {
  Revision version = 0;
  Amounts amounts;
};

class UsageCache {
 public:
  /// A limit that counts objects of these types, in `dimensions` dimensions, the first of which is the number of
  /// objects where `counts`. Nothing is known under it until its types are listed anew; other limits are not touched.
  void define(LimitId limit, std::size_t dimensions, bool counts, std::span<const TypeId> types);
  void forget(LimitId limit);

  /// An object as of `version`, with every limit that could match it.
  void applied(TypeId type, const ListedObject& object, std::span<const Membership> memberships);
  /// It is gone as of its version; the same limits.
  void deleted(TypeId type, const ListedObject& object, std::span<const LimitId> limits);
  /// Nothing of this type up to `revision` is still to come.
  void progress(TypeId type, Revision revision);

  /// A complete list of a type: begin, each object, commit with the list's revision. Answers the objects that counted
  /// and are not in the list; one that is there and counts no more is not among them.
  void begin_list(TypeId type);
  void listed(TypeId type, const ListedObject& object, std::span<const Membership> memberships);
  std::vector<Uid> commit_list(TypeId type, Revision revision);
  /// Nothing is known of this type until the next commit_list().
  void lost(TypeId type);

  /// Up to where this type is known; 0 before its first list.
  Revision revision(TypeId type) const;
  /// The same for what a limit counts of it.
  Revision revision(LimitId limit, TypeId type) const;
  /// What is stored under a limit of one type, as of revision(limit, type).
  Amounts used(LimitId limit, TypeId type) const;
  /// All that used() was ever lowered by, added up; of what a list jumps over, the most that it may have been. So at
  /// any moment between two looks at the cache no less was stored than at the first, less the growth of this.
  Amounts lowered(LimitId limit, TypeId type) const;
  std::optional<SeenObject> find(LimitId limit, TypeId type, const Uid& uid) const;
  Standing standing(LimitId limit, TypeId type, const Uid& uid, Revision version) const;
  std::size_t objects(LimitId limit) const;
  /// Whether an object of this name was stored when last seen. Rarely true of one that was not: only hashes are kept.
  bool has_name(TypeId type, const Uid& name) const;
  /// How many objects of the type are stored, counted by any limit or not.
  std::size_t stored(TypeId type) const;

 private:
  struct Row {
    Revision version;
    std::uint32_t slot;
    bool counts;  ///< else kept out
  };
  /// The objects of one type under one limit.
  struct Rows {
    std::size_t dimensions = 0;
    bool counts = false;
    absl::flat_hash_map<Uid, Row> rows;
    std::vector<UsageColumn> sums;  ///< the dimensions but the count
    std::vector<std::uint32_t> free_slots;
    std::uint32_t slots = 0;
    Amounts used, lowered;
    bool complete = false;  ///< a whole list is in

    /// Without objects, counted in the same way.
    Rows empty() const;
    /// Neither matching nor kept out: takes the object out. Whether it was there before.
    bool set(const ListedObject& object, const Membership& membership);
    /// Whether it was there.
    bool erase(const Uid& uid);
    Amounts amounts_of(const Row& row) const;
    /// Zero of one that is kept out.
    Amounts counted_of(const Row& row) const { return row.counts ? amounts_of(row) : Amounts(dimensions); }
  };
  using RowsKey = std::pair<LimitId, TypeId>;

  Rows* rows_of(LimitId limit, TypeId type);

  absl::flat_hash_map<RowsKey, Rows> rows_;
  absl::flat_hash_map<RowsKey, Rows> listed_;
  absl::flat_hash_map<TypeId, Revision> revisions_;
  absl::flat_hash_map<TypeId, absl::flat_hash_set<std::uint64_t>> names_, listed_names_;
  absl::flat_hash_map<TypeId, absl::flat_hash_set<Uid>> listed_uids_;
};

}  // namespace headroom::limits
