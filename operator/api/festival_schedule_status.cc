#include "operator/api/festival_schedule_status.h"

#include <nlohmann/json.hpp>

#include "operator/api/json_writer.h"
#include "operator/api/scale_target_status.h"

namespace headroom::api {
namespace {

using nlohmann::json;

SwitchStatus read_switch(const JsonReader& reader) {
  return {reader.text("region"), reader.required_text("configMap"), reader.required_text("key"), reader.text("value"),
          reader.optional_text("former")};
}

json transition_json(absl::Time at, const std::string& occurrence, const std::string& phase, const std::string& event) {
  return {{"at", time_text(at)}, {"occurrence", occurrence}, {"phase", phase}, {"event", event}};
}

}  // namespace

FestivalScheduleStatus read_festival_schedule_status(const JsonReader& reader) {
  FestivalScheduleStatus status;
  status.observed_generation = reader.counter("observedGeneration");
  status.conditions = reader.conditions("conditions");
  status.state = reader.text("state");
  status.occurrence = reader.text("occurrence");
  status.phase = reader.text("phase");
  reader.list("startedLeads", [&](const JsonReader& lead) { status.started_leads.push_back(read_started_lead(lead)); });
  reader.list("next", [&](const JsonReader& next) {
    status.next.push_back({next.required_time("at"), next.text("occurrence"), next.text("phase"), next.text("event")});
  });
  reader.object("lastBoundary", [&](const JsonReader& last) {
    status.last_boundary = BoundaryStatus{last.required_time("at"), last.text("occurrence"), last.text("phase"),
                                          last.text("event"), last.duration("lateBy", absl::ZeroDuration())};
  });
  status.missed_boundaries = reader.counter("missedBoundaries");
  reader.list("atRisk", [&](const JsonReader& risk) {
    status.at_risk.push_back(
        {risk.required_text("target"), risk.text("phase"), risk.text("reason"), risk.text("message")});
  });
  reader.list("losers", [&](const JsonReader& loss) {
    status.losers.push_back({loss.required_text("target"), loss.text("winner"), loss.text("message")});
  });
  reader.list("switches", [&](const JsonReader& entry) { status.switches.push_back(read_switch(entry)); });
  status.targets = reader.counter("targets");
  status.calendar_read = reader.time("calendarRead");
  return status;
}

json to_json(const FestivalScheduleStatus& status) {
  json object = {{"observedGeneration", status.observed_generation},
                 {"conditions", to_json(status.conditions)},
                 {"missedBoundaries", status.missed_boundaries},
                 {"targets", status.targets}};
  put(object, "state", status.state);
  put(object, "occurrence", status.occurrence);
  put(object, "phase", status.phase);
  put_list(object, "startedLeads", status.started_leads, started_lead_json);
  put_list(object, "next", status.next, [](const TransitionStatus& next) {
    return transition_json(next.at, next.occurrence, next.phase, next.event);
  });
  if (const auto& last = status.last_boundary) {
    object["lastBoundary"] = transition_json(last->at, last->occurrence, last->phase, last->event);
    object["lastBoundary"]["lateBy"] = format_duration(last->late_by);
  }
  put_list(object, "atRisk", status.at_risk, [](const AtRiskTarget& risk) {
    return json{{"target", risk.target}, {"phase", risk.phase}, {"reason", risk.reason}, {"message", risk.message}};
  });
  put_list(object, "losers", status.losers, [](const OverlapLoss& loss) {
    return json{{"target", loss.target}, {"winner", loss.winner}, {"message", loss.message}};
  });
  put_list(object, "switches", status.switches, [](const SwitchStatus& entry) {
    json item = {{"configMap", entry.config_map}, {"key", entry.key}, {"value", entry.value}};
    put(item, "region", entry.region);
    if (entry.former) item["former"] = *entry.former;
    return item;
  });
  put(object, "calendarRead", status.calendar_read);
  return object;
}

}  // namespace headroom::api
