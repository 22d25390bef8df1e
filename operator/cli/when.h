// Times as people write them in flags. Pure.
#pragma once

#include <absl/time/time.h>

#include <string>

#include "operator/base/result.h"

namespace headroom::cli {

/// "now"; from now on "+36h", "+30d", "+2w", "+1w2d12h", or back with a minus; RFC 3339; or a date with or without a
/// time of day, which `zone` makes an instant. Weeks and days are those of the calendar in `zone`: a day after noon is
/// noon, also across a change to summer time. At most ten years away from now. InvalidArgument names `flag`, the value
/// and what may be written.
Result<absl::Time> parse_when(const std::string& text, const std::string& flag, const absl::TimeZone& zone,
                              absl::Time now);

}  // namespace headroom::cli
