#include "operator/limits/holders.h"

#include <algorithm>

namespace headroom::limits {

void Holders::renewed(const Holder& holder, BootTime now) {
  Life& life = lives_[{holder.name, holder.epoch}];
  life.renewed = std::max(life.renewed, now);
}

void Holders::noticed(const Holder& holder, BootTime now) {
  lives_.try_emplace({holder.name, holder.epoch}, Life{now});
}

std::size_t Holders::others_alive(const Holder& self, BootTime now) const {
  return static_cast<std::size_t>(std::ranges::count_if(lives_, [&](const auto& entry) {
    return entry.second.renewed + life_ > now && (entry.first.first != self.name || entry.first.second != self.epoch);
  }));
}

bool Holders::alive(const Holder& holder, BootTime now) const {
  const auto it = lives_.find({holder.name, holder.epoch});
  return it != lives_.end() && it->second.renewed + life_ > now;
}

std::optional<BootTime> Holders::silent_since(const Holder& holder, BootTime now) const {
  const auto it = lives_.find({holder.name, holder.epoch});
  if (it == lives_.end()) return std::nullopt;
  const BootTime over = it->second.renewed + life_ + request_deadline_;
  return over <= now ? std::optional(over) : std::nullopt;
}

void Holders::confirm_silence(const Holder& holder, BootTime begun) {
  if (silent_since(holder, begun)) lives_[{holder.name, holder.epoch}].confirmed_over = true;
}

std::optional<BootTime> Holders::over_since(const Holder& holder, BootTime now) const {
  const auto it = lives_.find({holder.name, holder.epoch});
  return it != lives_.end() && it->second.confirmed_over ? silent_since(holder, now) : std::nullopt;
}

void Holders::forget_before(BootTime before) {
  absl::erase_if(lives_, [&](const auto& entry) { return entry.second.renewed < before; });
}

}  // namespace headroom::limits
