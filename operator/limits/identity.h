// The names by which the ledger knows limits, resource types, objects and replicas. Pure values.
#pragma once

#include <absl/time/time.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace headroom::limits {

/// A limit, as numbered by whoever compiles the limits; not used again for another one while the process lives.
using LimitId = std::uint32_t;
/// A watched resource type (group, version, resource), numbered in the same way.
using TypeId = std::uint32_t;
/// A resourceVersion as a number. Comparable within one type (KEP-5504); 0 is before everything.
using Revision = std::int64_t;
/// 0 for what is no such number.
Revision parse_revision(std::string_view resource_version);
/// A request that waits, or waited, for an answer.
using RequestId = std::uint64_t;

/// Time since boot, suspended or not (CLOCK_BOOTTIME): what leases and deadlines are counted in.
using BootTime = absl::Duration;

/// metadata.uid. UUIDs are kept as they are; anything else (nothing in Kubernetes makes such) is hashed.
struct Uid {
  std::uint64_t high = 0, low = 0;

  static Uid parse(std::string_view text);
  auto operator<=>(const Uid&) const = default;
  template <class H>
  friend H AbslHashValue(H h, const Uid& uid) {
    return H::combine(std::move(h), uid.high, uid.low);
  }
};

/// One life of one webhook replica: its Lease's name, and a number that grows with each start and after each lapse of
/// the Lease.
struct Holder {
  std::string name;
  std::int64_t epoch = 0;

  auto operator<=>(const Holder&) const = default;
};

}  // namespace headroom::limits
