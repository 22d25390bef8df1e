#include "operator/controllers/limit_alerts.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "operator/base/duration.h"

namespace headroom::controllers {
namespace {

bool is_urgent(const api::Threshold& threshold) {
  return threshold.level == api::LimitLevel::Red || threshold.action == api::LimitAction::PauseWrites ||
         threshold.action == api::LimitAction::Halt;
}

const char* effect_of(const api::ScaleLimit& limit, const api::Threshold& threshold) {
  if (limit.spec.mode != api::ScaleLimitSpec::Mode::Enforce) return "";
  switch (threshold.action) {
    case api::LimitAction::PauseWrites:
      return "; writes that would use more are paused";
    case api::LimitAction::Halt:
      return "; writes that would use more are halted";
    case api::LimitAction::None:
    case api::LimitAction::Notify:
      break;
  }
  return "";
}

}  // namespace

std::string alert_owner(api::LimitKind kind, const api::ObjectKey& key) {
  return absl::StrCat(api::to_string(kind), " ", key.to_string());
}

std::optional<std::vector<Alert>> limit_alerts(const api::ScaleLimit& limit) {
  std::vector<Alert> alerts;
  if (limit.meta.deleted) return alerts;
  if (limit.status.observed_generation != limit.meta.generation) return std::nullopt;
  for (const api::CrossedThreshold& crossed : limit.status.thresholds) {
    if (crossed.state != api::CrossedThreshold::State::Crossed) continue;
    const auto threshold = std::ranges::find(limit.spec.thresholds, crossed.threshold, &api::Threshold::name);
    if (threshold == limit.spec.thresholds.end() || !threshold->escalation || !threshold->covers(crossed.dimension)) {
      continue;
    }
    Alert alert;
    alert.labels = {{"alertname", "HeadroomLimitThreshold"},
                    {"kind", api::to_string(limit.kind)},
                    {"limit", limit.meta.name},
                    {"threshold", crossed.threshold},
                    {"dimension", crossed.dimension},
                    {"severity", is_urgent(*threshold) ? "critical" : "warning"}};
    if (!limit.meta.ns.empty()) alert.labels["namespace"] = limit.meta.ns;
    alert.annotations["summary"] =
        absl::StrCat(alert_owner(limit.kind, limit.meta.key()), ": ", crossed.dimension, " has reached ",
                     threshold->percent, " % of what is allowed", effect_of(limit, *threshold));
    if (!threshold->escalation->message.empty()) alert.annotations["description"] = threshold->escalation->message;
    if (crossed.due) alert.annotations["due"] = format_rfc3339(*crossed.due);
    alert.starts_at = crossed.since;
    for (const std::string& receiver : threshold->escalation->to) {
      alert.receiver = receiver;
      alerts.push_back(alert);
    }
  }
  return alerts;
}

}  // namespace headroom::controllers
