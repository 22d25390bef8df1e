// Events and alerts of a schedule: what its status tells those who do not read it.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "operator/base/duration.h"
#include "operator/controllers/schedule_status.h"

namespace headroom::controllers {
namespace {

using runtime::EventText;

/// Planning is a matter of milliseconds; a minute is when people should know.
constexpr absl::Duration kLate = absl::Minutes(1);
constexpr std::size_t kMostRiskAlerts = 100;

bool holds(const api::FestivalScheduleStatus& status, const char* type) {
  const api::Condition* condition = api::find_condition(status.conditions, type);
  return condition != nullptr && condition->status;
}

std::string message_of(const api::FestivalScheduleStatus& status, const char* type) {
  const api::Condition* condition = api::find_condition(status.conditions, type);
  return condition == nullptr ? std::string() : condition->message;
}

EventText boundary_event(const plan::Transition& boundary) {
  const bool start = boundary.event == plan::Transition::Event::Start;
  return {EventText::Type::Normal, start ? "PhaseStarted" : "PhaseEnded", start ? "Start" : "End",
          absl::StrCat(boundary.occurrence, " ", boundary.phase, start ? " began at " : " ended at ",
                       format_rfc3339(boundary.at))};
}

std::string severity_of(const api::Notification& notification) {
  return notification.severity.empty() ? "info" : notification.severity;
}

std::set<std::string> receivers_of(const api::FestivalScheduleSpec& spec) {
  std::set<std::string> receivers;
  for (const api::Phase& phase : spec.phases) {
    for (const api::Notification& notification : phase.notify) receivers.insert(notification.receiver);
  }
  return receivers;
}

}  // namespace

std::vector<EventText> schedule_events(const api::FestivalScheduleStatus& before, const ScheduleReport& report) {
  const api::FestivalScheduleStatus& after = report.status;
  std::vector<EventText> events;
  for (const api::StartedLead& lead : after.started_leads) {
    const bool known = std::ranges::any_of(before.started_leads, [&](const api::StartedLead& former) {
      return former.occurrence == lead.occurrence && former.phase == lead.phase;
    });
    if (known) continue;
    events.push_back(
        {EventText::Type::Normal, "LeadStarted", "Lead",
         absl::StrCat("work for ", lead.occurrence, " ", lead.phase, " began at ", format_rfc3339(lead.at))});
  }
  for (const plan::Transition& boundary : report.passed) events.push_back(boundary_event(boundary));
  if (report.newly_missed > 0) {
    events.push_back({EventText::Type::Warning, "BoundariesMissed", "CatchUp",
                      absl::StrCat(report.newly_missed,
                                   " boundaries passed while no operator was awake; the plan is caught up now")});
  }
  if (!report.passed.empty() && after.last_boundary && after.last_boundary->late_by > kLate) {
    events.push_back(
        {EventText::Type::Warning, "Late", "CatchUp",
         absl::StrCat(after.last_boundary->occurrence, " ", after.last_boundary->phase, " ", after.last_boundary->event,
                      " was carried out ", format_duration(absl::Trunc(after.last_boundary->late_by, absl::Seconds(1))),
                      " late")});
  }
  struct Watched {
    const char *condition, *reason, *action;
  };
  constexpr Watched kWatched[] = {{"AtRisk", "AtRisk", "Plan"},
                                  {"Stalled", "Stalled", "Plan"},
                                  {"CalendarUnavailable", "CalendarUnavailable", "ReadCalendar"},
                                  {"NoTargets", "NoTargets", "Plan"},
                                  {"TargetsMissing", "TargetsMissing", "Plan"},
                                  {"SwitchesPending", "SwitchesPending", "Switch"},
                                  {"ReceiverUnknown", "ReceiverUnknown", "Notify"}};
  for (const Watched& watched : kWatched) {
    const bool now = holds(after, watched.condition), then = holds(before, watched.condition);
    const bool more_at_risk =
        watched.condition == std::string_view("AtRisk") && now && then && after.at_risk.size() > before.at_risk.size();
    if (now && (!then || more_at_risk)) {
      events.push_back(
          {EventText::Type::Warning, watched.reason, watched.action, message_of(after, watched.condition)});
    } else if (then && !now) {
      events.push_back({EventText::Type::Normal, absl::StrCat(watched.reason, "Over"), watched.action,
                        absl::StrCat(watched.condition, " no longer holds")});
    }
  }
  return events;
}

std::vector<Alert> schedule_alerts(const api::FestivalSchedule& schedule, const plan::CompiledSchedule& compiled,
                                   const api::FestivalScheduleStatus& status, absl::Time now) {
  std::vector<Alert> alerts;
  if (schedule.spec.suspend != api::SuspendMode::None) return alerts;
  const std::map<std::string, std::string> identity = {{"namespace", schedule.meta.ns},
                                                       {"schedule", schedule.meta.name}};
  for (const plan::PhaseInForce& in_force : plan::phases_at(compiled, now)) {
    const api::Phase& phase = compiled.spec.phases[static_cast<std::size_t>(in_force.phase)];
    for (const api::Notification& notification : phase.notify) {
      Alert alert{notification.receiver, identity, {}, in_force.from};
      alert.labels["alertname"] = "HeadroomFestivalPhase";
      alert.labels["occurrence"] = in_force.occurrence;
      alert.labels["phase"] = phase.name;
      alert.labels["severity"] = severity_of(notification);
      alert.annotations["summary"] =
          notification.message.empty()
              ? absl::StrCat(schedule.meta.name, ": ", in_force.occurrence, " ", phase.name, " is in force")
              : notification.message;
      alert.annotations["until"] = format_rfc3339(in_force.to);
      alerts.push_back(std::move(alert));
    }
  }
  const api::Condition* at_risk = api::find_condition(status.conditions, "AtRisk");
  for (const std::string& receiver : receivers_of(compiled.spec)) {
    std::size_t told = 0;
    for (const api::AtRiskTarget& risk : status.at_risk) {
      if (told++ == kMostRiskAlerts) break;
      Alert alert{receiver, identity, {}, at_risk == nullptr ? now : at_risk->last_transition};
      alert.labels["alertname"] = "HeadroomAtRisk";
      alert.labels["target"] = risk.target;
      alert.labels["phase"] = risk.phase;
      alert.labels["reason"] = risk.reason;
      alert.labels["severity"] = "warning";
      alert.annotations["summary"] = risk.message;
      alerts.push_back(std::move(alert));
    }
  }
  return alerts;
}

}  // namespace headroom::controllers
