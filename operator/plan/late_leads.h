// Work that has begun and will not, or did not, get ready by its hour. Pure.
#pragma once

#include <vector>

#include "operator/plan/readiness.h"

namespace headroom::plan {

/// Reason LeadTooShort: for phases whose lead has begun, when the lead that is left, in proportion to what is still
/// missing, reaches past the hour; for phases in force that have a lead, while more than a tenth is missing.
std::vector<Risk> late_leads(const DecideInput& input, const DecideResult& result);

}  // namespace headroom::plan
