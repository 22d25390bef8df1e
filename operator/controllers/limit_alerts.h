// Whom a limit tells of its thresholds: the alerts that its status and its escalations come to. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/scale_limit.h"
#include "operator/controllers/notifier.h"

namespace headroom::controllers {

/// One for each receiver of each threshold that is crossed, and has been for as long as the dimension asks. It starts
/// with the crossing, says by when it must be answered, and has no figures: those change with each write. Null while
/// the status is that of another generation: what it says is not of these thresholds.
std::optional<std::vector<Alert>> limit_alerts(const api::ScaleLimit& limit);

/// Who is active in a Notifier: "ScaleLimit shop/quota", which no schedule is called.
std::string alert_owner(api::LimitKind kind, const api::ObjectKey& key);

}  // namespace headroom::controllers
