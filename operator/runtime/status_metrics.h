// What objects and watches say of themselves, as gauges that both programs export under the same names.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/api/object.h"
#include "operator/runtime/exposition.h"
#include "operator/runtime/reflector.h"

namespace headroom::runtime {

/// headroom_condition: 1 for a condition that is True, 0 for one that is False.
void expose_conditions(Exposition& scrape, std::string_view kind, const api::ObjectKey& key,
                       const std::vector<api::Condition>& conditions);

/// How long the watches of one cluster have been without its API server, by what they read ("deployments.apps"); of
/// several that read the same, that which has been so longest.
class WatchHealths {
 public:
  /// `started`: what has not had an answer at all is as old as that.
  WatchHealths(SteadyTime started, SteadyTime now) : started_(started), now_(now) {}

  void add(const std::string& resource, bool stale, std::optional<SteadyTime> last_contact);
  void add(const std::string& resource, const ReflectorHealth& health) {
    add(resource, health.stale, health.last_contact);
  }
  /// headroom_watch_stale_seconds: 0 of a watch that is in touch.
  void expose(Exposition& scrape, std::string_view region) const;

 private:
  SteadyTime started_, now_;
  std::map<std::string, SteadyTime::duration> stale_;
};

}  // namespace headroom::runtime
