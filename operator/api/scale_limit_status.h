// Status of a ScaleLimit from JSON; what `to_json` in scale_limit.h writes.
#pragma once

#include "operator/api/json_reader.h"
#include "operator/api/scale_limit.h"

namespace headroom::api {

/// What is wrong goes to the reader's fault.
ScaleLimitStatus read_scale_limit_status(const JsonReader& reader);

}  // namespace headroom::api
