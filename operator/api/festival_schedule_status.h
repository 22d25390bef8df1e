// Status of a FestivalSchedule from JSON; what `to_json` in festival_schedule.h writes.
#pragma once

#include "operator/api/festival_schedule.h"
#include "operator/api/json_reader.h"

namespace headroom::api {

/// What is wrong goes to the reader's fault.
FestivalScheduleStatus read_festival_schedule_status(const JsonReader& reader);

}  // namespace headroom::api
