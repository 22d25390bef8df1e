// Spellings of enums that the spec and the status of a ScaleLimit share.
#pragma once

#include "operator/api/json_reader.h"
#include "operator/api/scale_limit.h"

namespace headroom::api {

inline constexpr EnumName<LimitLevel> kLimitLevels[] = {{LimitLevel::Green, "Green"},
                                                        {LimitLevel::Yellow, "Yellow"},
                                                        {LimitLevel::Orange, "Orange"},
                                                        {LimitLevel::Red, "Red"}};
inline constexpr EnumName<LimitKind> kLimitKinds[] = {{LimitKind::ScaleLimit, "ScaleLimit"},
                                                      {LimitKind::ClusterScaleLimit, "ClusterScaleLimit"}};

}  // namespace headroom::api
