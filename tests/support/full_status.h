// Statuses in which every field says something: what must survive JSON, and what the schemas must know.
#pragma once

#include "operator/api/festival_schedule.h"
#include "operator/api/region.h"
#include "operator/api/scale_target.h"

namespace headroom::testing_support {

api::RegionStatus full_region_status();
api::ScaleTargetStatus full_scale_target_status();
api::FestivalScheduleStatus full_festival_schedule_status();

}  // namespace headroom::testing_support
