// Which of the leads that were started for a schedule's phases still lead somewhere.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <string>
#include <utility>

#include "operator/plan/compile.h"

namespace headroom::controllers {

/// Whether phases are still to end at `now`. Many targets ask for the same few, so that each is looked up once. The
/// schedule outlives it. Not thread-safe.
class LivingLeads {
 public:
  LivingLeads(const plan::CompiledSchedule& schedule, absl::Time now) : schedule_(&schedule), now_(now) {}

  bool contain(const std::string& occurrence, const std::string& phase);

 private:
  bool find(const std::string& occurrence, const std::string& phase) const;

  const plan::CompiledSchedule* schedule_;
  absl::Time now_;
  std::map<std::pair<std::string, std::string>, bool> known_;
};

}  // namespace headroom::controllers
