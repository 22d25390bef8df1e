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

ScaleLimitStatus full_scale_limit_status() {
  const absl::Time at = absl::FromUnixSeconds(1'793'000'000);
  const Quantity terabyte = Quantity::parse("1T").value();
  ScaleLimitStatus status;
  status.observed_generation = 5;
  set_condition(status.conditions, {"Ready", true, "InForce", "355 GB of 1000 GB", 5, at});
  set_condition(status.conditions,
                {"Enforced", false, "EpochStarts", "one webhook counts by the old selection", 5, at});
  status.level = LimitLevel::Red;
  status.dimensions = {
      {"count", Quantity::from_int(99'900), Quantity::from_int(100'000), 99, LimitLevel::Orange, Quantity::from_int(3)},
      {"storage", terabyte, terabyte, 100, LimitLevel::Red, Quantity()},
      {"cache", Quantity::parse("1.5Gi").value(), Quantity::parse("8Gi").value(), 18, LimitLevel::Green,
       Quantity::parse("64Mi").value(), QuantityFormat::BinarySI},
      {"query-p99", std::nullopt, Quantity::from_int(5), std::nullopt, LimitLevel::Green, Quantity()}};
  status.thresholds = {{"critical", "storage", CrossedThreshold::State::Crossed, at, at + absl::Hours(1)},
                       {"slow", "query-p99", CrossedThreshold::State::Pending, at, std::nullopt}};
  status.paused = WriteStop{at, "storage", "full", "1T of 1T is used"};
  status.halted = WriteStop{at + absl::Microseconds(7), "storage", "full", "storage is being expanded"};
  status.denials = {{"OverQuota", "count", 9'000'000'000, "count is 100k of 100k", at}, {"Busy", "", 1, "", at}};
  status.backstop = ScaleLimitStatus::Backstop::Active;
  status.excluded_namespaces = {"headroom-system", "kube-system"};
  return status;
}

LedgerRecord full_ledger_record() {
  const absl::Time at = absl::FromUnixMicros(1'793'000'000'123'456);
  const auto amounts = [](const char* objects, const char* storage) {
    return Amounts{Quantity::parse(objects).value(), Quantity::parse(storage).value()};
  };
  LedgerRecord record;
  record.limit = {LimitKind::ScaleLimit, "default", "artifacts", "3f0c9a52-7d0b-4a57-8a1e-0c2f6c1f5b11"};
  record.generation = 5;
  record.selection_epoch = 3;
  record.enforced_since = at;
  record.dimensions = {{"count", Quantity::from_int(100'000)}, {"storage", Quantity::parse("1T").value()}};
  record.bases = {{"storage.example.com", "v1", "artifacts", 9'007'199'254'740'993, amounts("70", "35500000000001m")},
                  {"", "v1", "configmaps", 17, amounts("2", "0")}};
  record.grants = {{"webhook-a", 4, amounts("50", "1G"), 9, 7, std::nullopt},
                   {"webhook-b", 1, amounts("0", "0"), 2, 6, RecallId{at, "webhook-a", 4, 12}}};
  record.recalls = {{at, "webhook-a", 4, 12}, {at + absl::Microseconds(1), "webhook-b", 1, 0}};
  record.selection = "5f1d7a84db00d2fc";
  return record;
}

}  // namespace headroom::testing_support
