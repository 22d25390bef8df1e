// Label selectors in the text form that /scale and kubectl use: "app=web,tier in (a,b),!canary". Pure.
#pragma once

#include <string_view>

#include "operator/api/object.h"

namespace headroom::controllers {

/// The grammar of apimachinery's labels.Parse, without its numeric comparisons (Gt, Lt), which no workload selector can
/// have. InvalidArgument shows what was not understood. Empty text matches everything.
Result<api::LabelSelector> parse_selector_text(std::string_view text);

}  // namespace headroom::controllers
