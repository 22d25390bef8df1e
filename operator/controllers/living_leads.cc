#include "operator/controllers/living_leads.h"

#include <algorithm>

namespace headroom::controllers {

bool LivingLeads::contain(const std::string& occurrence, const std::string& phase) {
  const auto [known, added] = known_.try_emplace({occurrence, phase}, false);
  if (added) known->second = find(occurrence, phase);
  return known->second;
}

bool LivingLeads::find(const std::string& occurrence, const std::string& phase) const {
  return std::ranges::any_of(schedule_->occurrences, [&](const plan::CompiledOccurrence& one) {
    return one.name == occurrence && std::ranges::any_of(one.intervals, [&](const plan::PhaseInterval& interval) {
             return interval.to > now_ && schedule_->spec.phases[interval.phase].name == phase;
           });
  });
}

}  // namespace headroom::controllers
