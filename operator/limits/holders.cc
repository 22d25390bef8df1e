#include "operator/limits/holders.h"

#include <algorithm>

namespace headroom::limits {

void Holders::renewed(const Holder& holder, BootTime now) {
  BootTime& last = renewed_[{holder.name, holder.epoch}];
  last = std::max(last, now);
}

void Holders::noticed(const Holder& holder, BootTime now) { renewed_.try_emplace({holder.name, holder.epoch}, now); }

std::size_t Holders::others_alive(const Holder& self, BootTime now) const {
  return static_cast<std::size_t>(std::ranges::count_if(renewed_, [&](const auto& entry) {
    return entry.second + life_ > now && (entry.first.first != self.name || entry.first.second != self.epoch);
  }));
}

bool Holders::alive(const Holder& holder, BootTime now) const {
  const auto it = renewed_.find({holder.name, holder.epoch});
  return it != renewed_.end() && it->second + life_ > now;
}

std::optional<BootTime> Holders::over_since(const Holder& holder, BootTime now) const {
  const auto it = renewed_.find({holder.name, holder.epoch});
  if (it == renewed_.end()) return std::nullopt;
  const BootTime over = it->second + life_ + request_deadline_;
  return over <= now ? std::optional(over) : std::nullopt;
}

void Holders::forget_before(BootTime before) {
  absl::erase_if(renewed_, [&](const auto& entry) { return entry.second < before; });
}

}  // namespace headroom::limits
