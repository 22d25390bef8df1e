// From workloads and autoscalers to the targets that a change of theirs concerns. Made anew with every plan, so it is
// one block of memory: 16 bytes an entry. Not thread-safe until sealed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "operator/api/object.h"

namespace headroom::controllers {

class ObjectIndex {
 public:
  /// `object` by namespace and name, `target` any number of the caller's.
  void add(const api::ObjectKey& object, std::size_t target) {
    entries_.push_back({std::hash<api::ObjectKey>()(object), static_cast<std::uint32_t>(target)});
  }
  /// After the last add(), before the first find().
  void seal() { std::ranges::sort(entries_, {}, &Entry::object); }
  /// Calls `found` with the number of every target that was added for `object`; now and then with one that was not,
  /// because only a hash is kept: for hints, where one too many does no harm.
  template <class Found>
  void find(const api::ObjectKey& object, Found&& found) const {
    const std::size_t hash = std::hash<api::ObjectKey>()(object);
    auto entry = std::ranges::lower_bound(entries_, hash, {}, &Entry::object);
    for (; entry != entries_.end() && entry->object == hash; ++entry) found(std::size_t{entry->target});
  }

 private:
  struct Entry {
    std::size_t object;
    std::uint32_t target;
  };
  std::vector<Entry> entries_;
};

}  // namespace headroom::controllers
