// Proof that this replica's cache of a type is up to date: a read of the newest revision, begun after a given moment,
// and the cache beyond it. One read per type is under way at a time, and few begin per second, however many ask: a
// storm of denials must not become a storm of lists. Pure; not thread-safe.
#pragma once

#include <absl/container/btree_map.h>

#include <optional>
#include <vector>

#include "operator/limits/identity.h"

namespace headroom::limits {

class ConsistentReads {
 public:
  /// `pause`: at least that long from the beginning of one read of a type to the next.
  /// `patience`: after that long behind a read's revision, a quiet watch is not waited for: the type is listed.
  ConsistentReads(absl::Duration pause, absl::Duration patience) : pause_(pause), patience_(patience) {}

  /// Whether the cache, at `revision` now, holds everything that was stored at `moment`; asks for a read if not.
  bool caught_up(TypeId type, BootTime moment, Revision revision);
  /// The moment up to which that is known without asking; null before the first read.
  std::optional<BootTime> known_until(TypeId type, Revision revision);

  /// A read is over, at a revision; null when it failed.
  void done(TypeId type, std::optional<Revision> revision, BootTime now);

  /// The type's revisions have begun anew: what was read of it says nothing any more.
  void forget(TypeId type) { types_.erase(type); }

  /// Types whose newest revision is to be read now.
  std::vector<TypeId> to_read(BootTime now);
  /// Types that are to be listed whole, because their cache does not get to where a read was.
  std::vector<TypeId> to_list(BootTime now);

 private:
  struct Read {
    BootTime begun;
    Revision revision;
    BootTime ended;
  };
  struct Type {
    std::optional<BootTime> wanted;     ///< a read begun then or later
    std::optional<BootTime> under_way;  ///< since
    std::optional<BootTime> last_begun;
    std::vector<Read> ahead;  ///< over, and beyond the cache when last looked at; oldest first
    std::optional<BootTime> reached;
    BootTime listed = absl::InfiniteDuration() * -1;  ///< when a list was last asked for
  };

  absl::Duration pause_, patience_;
  absl::btree_map<TypeId, Type> types_;
};

}  // namespace headroom::limits
