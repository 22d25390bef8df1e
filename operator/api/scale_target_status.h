// Status of a ScaleTarget from JSON; what `to_json` in scale_target.h writes.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "operator/api/json_reader.h"
#include "operator/api/scale_target.h"

namespace headroom::api {

/// What is wrong goes to the reader's fault. Explanation entries of an unknown kind are left out: a newer version may
/// have written them, and the next decision writes all of them anew.
ScaleTargetStatus read_scale_target_status(const JsonReader& reader);

/// A lead that has begun, as both ScaleTarget and FestivalSchedule record it.
StartedLead read_started_lead(const JsonReader& reader);
nlohmann::json started_lead_json(const StartedLead& lead);

}  // namespace headroom::api
