// Spellings of enums that ScaleTarget shares with FestivalSchedule.
#pragma once

#include "operator/api/json_reader.h"
#include "operator/api/scale_target.h"

namespace headroom::api {

inline constexpr EnumName<Role> kRoles[] = {{Role::Workload, "Workload"}, {Role::ReadReplica, "ReadReplica"}};
inline constexpr EnumName<SuspendMode> kSuspendModes[] = {
    {SuspendMode::None, "None"}, {SuspendMode::Hold, "Hold"}, {SuspendMode::Restore, "Restore"}};

}  // namespace headroom::api
