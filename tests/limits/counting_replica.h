// A replica of the ledger before one limit that counts objects of one type; for tests of single rules. Not thread-safe.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/limits/instant_replica.h"

namespace headroom::limits {

inline constexpr LimitId kLimit = 7;
inline constexpr TypeId kType = 3;
inline constexpr Amount kOne = Quantity::kNano;
/// In seconds.
inline constexpr double kLeaseLife = 15;

class CountingReplica : public InstantReplica {
 public:
  CountingReplica(std::string name, SharedRecords& shared, int hard) : InstantReplica(std::move(name), shared) {
    usage.define(kLimit, 1, true, std::array{kType});
    list({}, 50);
    escrow.set_limit(kLimit, {1, "selection", {hard * kOne}, {kType}});
    escrow.lease_held_until(absl::Seconds(kLeaseLife));
    tick(0);
  }

  void list(const std::vector<int>& objects, Revision revision) {
    usage.begin_list(kType);
    for (const int object : objects) {
      usage.listed(kType, listed(object, revision), std::vector<Membership>{{kLimit, true, {kOne}}});
    }
    (void)usage.commit_list(kType, revision);
    for (const int object : objects) escrow.seen(kType, uid(object), revision, false);
  }
  void sees(int object, Revision revision, double now, bool deleted = false) {
    if (deleted) {
      usage.deleted(kType, listed(object, revision), std::array{kLimit});
    } else {
      usage.applied(kType, listed(object, revision), std::vector<Membership>{{kLimit, true, {kOne}}});
    }
    escrow.seen(kType, uid(object), revision, deleted);
    escrow.cache_moved(kType, at(now));
    act(now);
  }
  void sees_up_to(Revision revision, double now) { InstantReplica::sees_up_to(kType, revision, now); }
  std::optional<Kind> creates(int object, double now, std::string name = "") {
    if (name.empty()) name = "object-" + std::to_string(object);
    return ask(object, {kType, uid(object), 0, name_id("ns", name)}, {{kLimit, {kOne}}}, now);
  }
  std::optional<Kind> updates(int object, Revision from, int more, double now, int request) {
    const Write write{kType, uid(object), from, name_id("ns", "object-" + std::to_string(object))};
    return ask(request, write, {{kLimit, {more * kOne}}}, now);
  }
  Amount granted() const { return InstantReplica::granted(kLimit); }

 private:
  static ListedObject listed(int object, Revision revision) {
    return {uid(object), name_id("ns", "object-" + std::to_string(object)), revision};
  }
};

}  // namespace headroom::limits
