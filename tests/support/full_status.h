// Statuses in which every field says something: what must survive JSON, and what the schemas must know.
#pragma once

#include "operator/api/festival_schedule.h"
#include "operator/api/limit_ledger.h"
#include "operator/api/region.h"
#include "operator/api/scale_limit.h"
#include "operator/api/scale_target.h"

namespace headroom::testing_support {

api::RegionStatus full_region_status();
api::ScaleTargetStatus full_scale_target_status();
api::FestivalScheduleStatus full_festival_schedule_status();
api::ScaleLimitStatus full_scale_limit_status();
/// The ledger of the limit `default/artifacts` with two dimensions, two types and two webhooks.
api::LedgerRecord full_ledger_record();

}  // namespace headroom::testing_support
