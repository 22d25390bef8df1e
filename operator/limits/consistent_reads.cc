#include "operator/limits/consistent_reads.h"

#include <algorithm>

namespace headroom::limits {
namespace {

// A cache that stands still answers none of them; the newest are enough to see it move again.
constexpr std::size_t kMostAhead = 16;

}  // namespace

std::optional<BootTime> ConsistentReads::known_until(TypeId type, Revision revision) {
  Type& state = types_[type];
  std::erase_if(state.ahead, [&](const Read& read) {
    if (revision == 0 || read.revision > revision) return false;
    state.reached = std::max(state.reached, std::optional(read.begun));
    return true;
  });
  return state.reached;
}

bool ConsistentReads::caught_up(TypeId type, BootTime moment, Revision revision) {
  const auto until = known_until(type, revision);
  if (until && *until >= moment) return true;
  Type& state = types_[type];
  const bool coming = (state.under_way && *state.under_way >= moment) ||
                      std::ranges::any_of(state.ahead, [&](const Read& read) { return read.begun >= moment; });
  if (!coming) state.wanted = std::max(state.wanted, std::optional(moment));
  return false;
}

void ConsistentReads::done(TypeId type, std::optional<Revision> revision, BootTime now) {
  Type& state = types_[type];
  if (!state.under_way) return;
  const BootTime begun = *state.under_way;
  state.under_way.reset();
  if (revision) {
    state.ahead.push_back({begun, *revision, now});
    if (state.ahead.size() > kMostAhead) state.ahead.erase(state.ahead.begin());
  } else {
    state.wanted = std::max(state.wanted, std::optional(begun));
  }
}

std::vector<TypeId> ConsistentReads::to_read(BootTime now) {
  std::vector<TypeId> types;
  for (auto& [type, state] : types_) {
    if (!state.wanted || state.under_way || *state.wanted > now) continue;
    if (state.last_begun && *state.last_begun + pause_ > now) continue;
    state.under_way = state.last_begun = now;
    state.wanted.reset();
    types.push_back(type);
  }
  return types;
}

std::vector<TypeId> ConsistentReads::to_list(BootTime now) {
  std::vector<TypeId> types;
  for (auto& [type, state] : types_) {
    const bool behind =
        std::ranges::any_of(state.ahead, [&](const Read& read) { return read.ended + patience_ <= now; });
    if (!behind || state.listed + patience_ > now) continue;
    state.listed = now;
    types.push_back(type);
  }
  return types;
}

}  // namespace headroom::limits
