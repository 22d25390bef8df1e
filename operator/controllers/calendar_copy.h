// The last good text of a calendar, kept in a ConfigMap of ours beside the schedules that use it: when the source is
// broken or gone, a restart must not forget a festival that is under way. Pure.
//
// The copy is owned by those schedules, not by the source, and so outlives the source and goes with the last schedule.
#pragma once

#include <absl/time/time.h>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/api/object.h"
#include "operator/base/result.h"

namespace headroom::controllers {

/// One key of one ConfigMap.
struct CalendarSourceKey {
  std::string ns, config_map, key;
  auto operator<=>(const CalendarSourceKey&) const = default;
  std::string to_string() const;  ///< "ConfigMap ns/name key 'k'"
};

struct CalendarCopy {
  std::string text;
  absl::Time read;                               ///< when the source was last read well
  std::vector<api::OwnerReference> owners = {};  ///< schedules that refer to it
};

/// "headroom-calendar-<hash of ConfigMap and key>".
std::string calendar_copy_name(const CalendarSourceKey& source);
nlohmann::json to_config_map(const CalendarSourceKey& source, const CalendarCopy& copy);
/// InvalidArgument when it is not what to_config_map made of this source.
Result<CalendarCopy> calendar_copy_from_json(const CalendarSourceKey& source, const nlohmann::json& config_map);

}  // namespace headroom::controllers
