#include "tests/support/full_status.h"

namespace headroom::testing_support {

using namespace api;  // every line below names something of it

RegionStatus full_region_status() {
  RegionStatus status;
  status.observed_generation = 4;
  set_condition(status.conditions, {"Ready", true, "Reachable", "all well", 4, absl::FromUnixSeconds(1'793'000'000)});
  status.probes = {{"ingress", true, 0, "", absl::FromUnixMicros(1'793'000'000'123'456)},
                   {"db", false, 3, "connection refused", std::nullopt}};
  status.capacity = {{"pods", Quantity::from_int(300), Quantity::from_int(160), Quantity::parse("12.5").value()},
                     {"storage", Quantity::parse("200G").value(), Quantity(), std::nullopt}};
  status.kubernetes_version = "v1.36.3";
  status.targets = 5;
  return status;
}

ScaleTargetStatus full_scale_target_status() {
  const absl::Time at = absl::FromUnixSeconds(1'793'000'000);
  ScaleTargetStatus status;
  status.observed_generation = 3;
  set_condition(status.conditions, {"Ready", true, "InForce", "60 of 60 are ready", 3, at});
  status.current = 60;
  status.ready = 58;
  status.desired = 60;
  status.bounds_min = 60;
  status.bounds_max = 100;
  status.decided_by = "FestivalSchedule/diwali lead-up";
  status.explanation = {{Reason::Kind::Original, 10, "", "originally 10 to 100"},
                        {Reason::Kind::Schedule, 60, "diwali", "2 x 30"},
                        {Reason::Kind::AllowDecrease, 60, "", ""}};
  status.originals = Originals{10, 100, "u-1"};
  status.in_force = 60;
  status.in_force_since = at + absl::Microseconds(1);
  status.baseline = 30;
  status.approved_size = 4;
  status.started_leads = {{"diwali", "diwali-2026", "peak", at - absl::Hours(7)}};
  status.warm_up = {{1, {40, 55}}, {8, {}}, {32, {90, 91, 120}}};
  status.rules.size = 12;
  status.rules.entries = {{"queue", at, std::nullopt, at, "1200"}, {"idle", std::nullopt, at, std::nullopt, ""}};
  status.samples.hourly = std::vector<int>(720, 30);
  status.samples.hourly[100] = 45;
  status.samples.last = at;
  status.contest = Contest{25, "kubectl-edit", 2, at};
  status.next_transition = at + absl::Hours(1);
  status.selector = "app=orders";
  return status;
}

FestivalScheduleStatus full_festival_schedule_status() {
  const absl::Time at = absl::FromUnixSeconds(1'793'000'000);
  FestivalScheduleStatus status;
  status.observed_generation = 2;
  set_condition(status.conditions, {"AtRisk", true, "ResourceQuota", "12 pods do not fit", 2, at});
  status.state = "Active";
  status.occurrence = "diwali-2026";
  status.phase = "peak";
  status.started_leads = {{"diwali", "diwali-2026", "peak", at}};
  status.next = {{at + absl::Hours(1), "diwali-2026", "peak", "End"}, {at + absl::Hours(2), "", "", ""}};
  status.last_boundary = BoundaryStatus{at, "diwali-2026", "peak", "Start", absl::Milliseconds(1500)};
  status.missed_boundaries = 1;
  status.at_risk = {{"orders", "peak", "ResourceQuota", "12 pods do not fit"}};
  status.losers = {{"orders", "new-year", "priority 5 is above 1"}};
  status.switches = {{"mumbai", "flags", "mode", "calm", "normal"},
                     {"", "flags", "sms", "on", std::nullopt},
                     {"", "flags", "empty", "", ""}};
  status.targets = 4;
  status.calendar_read = at;
  return status;
}

}  // namespace headroom::testing_support
