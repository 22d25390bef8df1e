// Writes that this replica has let through and has not seen the end of. Pure; not thread-safe.
//
// Tried on Kubernetes 1.36: the API server calls a webhook several times for one write, with a new review uid each
// time, but at most one write lands per (object uid, old resourceVersion), and one create per object uid. Those are the
// keys. Creates of one name are one reservation, as only one of them can be stored at a time: loops of create-or-get
// must not eat the limit.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>
#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/limits/amounts.h"
#include "operator/limits/identity.h"

namespace headroom::limits {

/// What one write may add to what is stored under a limit; no dimension is negative.
struct Charge {
  LimitId limit = 0;
  Amounts amounts;
};
using Charges = absl::InlinedVector<Charge, 2>;

/// Who asks for a write, as the caller numbers them.
using Requester = std::uint32_t;

/// A write, as the ledger sees it.
struct Write {
  TypeId type = 0;
  Uid uid;
  Revision old_version = 0;  ///< 0: a create
  Uid name{};                ///< namespace and name as one value (name_id)
  Requester requester{};
};

/// Namespace and name as one value to compare.
Uid name_id(std::string_view ns, std::string_view name);

/// A write that has an end: how much of a limit it charged, and the revision from which on it is in what is stored.
/// 0: it has not landed and never will.
struct Resolution {
  TypeId type = 0;
  Revision revision = 0;
  Charges charges;
};
using Resolutions = absl::InlinedVector<Resolution, 1>;

/// What writes of one requester reserve of one limit.
struct Lingering {
  LimitId limit = 0;
  Requester requester = 0;
  std::int64_t writes = 0;
  Amounts amounts;
};

class Reservations {
 public:
  /// What `charges` would add to what is reserved already for the same write or the same name.
  Charges additional(const Write& write, const Charges& charges) const;
  /// Lets the write through. `now` counts towards overdue().
  void add(const Write& write, const Charges& charges, BootTime now);

  /// Whether a create of the same name, but another object, was let through and has no end yet.
  bool creating(const Write& write) const;

  /// The object was seen at `version`: what was to precede that is decided. `deleted`: and nothing more can come.
  /// Returns what has an end by it.
  Resolutions seen(TypeId type, const Uid& uid, Revision version, bool deleted);

  /// Whether writes of this type were admitted at `before` or earlier and have no end yet.
  bool overdue(TypeId type, BootTime before) const;
  /// Of this type, the writes admitted at `before` or earlier will never land (the API server has given them up, and
  /// everything up to a revision after that has been seen).
  Resolutions give_up(TypeId type, BootTime before);

  /// The store was restored: revisions of this type at which something landed may never come again.
  void went_back(TypeId type);

  /// What is reserved by writes that were let through at `before` or earlier and have no end yet, in the order of
  /// limits and requesters. Creates of one name count as one write, of whoever came first.
  std::vector<Lingering> lingering(BootTime before) const;

  /// What is reserved under a limit, by writes without an end.
  Amounts pending(LimitId limit) const;
  std::size_t size() const { return by_uid_.size(); }
  void clear();
  /// Takes a limit out of all of them: it is no longer counted.
  void forget(LimitId limit);

 private:
  struct Member {
    Uid uid;
    Revision old_version;
    BootTime admitted;  ///< of the latest call
    Requester requester;
  };
  /// All writes of which at most one can be stored at a time.
  struct Reservation {
    TypeId type = 0;
    Charges charges;
    absl::InlinedVector<Member, 1> open;
    Revision landed = 0;  ///< of the latest member that has
    std::optional<Uid> name;
  };
  using Index = std::uint32_t;
  using ObjectId = std::pair<TypeId, Uid>;

  const Reservation* find(const Write& write) const;
  Reservation& find_or_make(const Write& write);
  void index(const ObjectId& object, Index reservation);
  void unindex(const ObjectId& object, Index reservation);
  /// Takes the members out that `over` names, and adds the reservation to `resolved` when none is left.
  void close(Index reservation, absl::FunctionRef<bool(const Member&)> over, Revision landed, Resolutions& resolved);
  Index place();

  std::vector<Reservation> reservations_;
  std::vector<Index> free_;
  absl::flat_hash_map<ObjectId, absl::InlinedVector<Index, 1>> by_uid_;
  absl::flat_hash_map<ObjectId, Index> by_name_;
  absl::flat_hash_map<LimitId, Amounts> pending_;
};

}  // namespace headroom::limits
