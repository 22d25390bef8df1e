#include "operator/api/festival_schedule.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/api/full_objects.h"
#include "tests/api/mutation.h"
#include "tests/support/full_status.h"

namespace headroom::api {
namespace {

using nlohmann::json;
using testing_support::full_festival_schedule_status;

FestivalScheduleSpec spec_of(const json& object) {
  const Result<FestivalSchedule> schedule = festival_schedule_from_json(object);
  EXPECT_TRUE(schedule) << (schedule ? "" : schedule.error().message);
  return schedule ? schedule.value().spec : FestivalScheduleSpec();
}

TEST(FestivalSchedule, reads_every_field) {
  FestivalScheduleSpec expected;
  expected.time_zone = "Asia/Kolkata";
  expected.fold = Fold::Later;
  Occurrence day, instant, recurring, calendar;
  day.name = "diwali-2026";
  day.day = absl::CivilDay(2026, 11, 8);
  instant.name = "match";
  instant.instant = absl::FromCivil(absl::CivilSecond(2026, 11, 19, 8, 30), absl::UTCTimeZone());
  recurring.name = "new-year";
  recurring.recurring = Occurrence::Recurring{absl::CivilDay(2027, 1, 1), "FREQ=YEARLY", {absl::CivilDay(2028, 1, 1)}};
  calendar.name = "holidays";
  calendar.calendar = Occurrence::CalendarRef{"calendar", "in.ics", "Diwali"};
  expected.occurrences = {day, instant, recurring, calendar};
  Wave databases;
  databases.name = "databases";
  databases.targets.roles = {Role::ReadReplica};
  databases.gate = Wave::Gate::None;
  databases.gate_timeout = absl::Minutes(30);
  expected.waves = {databases};

  Phase short_form, long_form, after, watch;
  short_form.name = "short";
  short_form.from.days = -3;
  short_form.to.days = -1;
  PhaseDemand workers;
  workers.targets.selector = LabelSelector{{{"tier", "workers"}}, {}};
  workers.targets.regions = {"mumbai"};
  workers.demand.type = Demand::Type::Multiplier;
  workers.demand.multiplier = Quantity::parse("2.5").value();
  short_form.demands = {workers};
  long_form.name = "long";
  long_form.from.days = -1;
  long_form.to = {2, absl::Hours(6)};
  long_form.capacity = Phase::Capacity::Start;
  long_form.decrease = Phase::Decrease::Allow;
  PhaseDemand orders, others;
  orders.targets.names = {"orders"};
  orders.demand.type = Demand::Type::Replicas;
  orders.demand.replicas = 60;
  others.demand.type = Demand::Type::Add;
  others.demand.add = 2;
  long_form.demands = {orders, others};
  Wave all;
  all.name = "all";
  long_form.waves = {all};
  after.name = "after";
  after.from = {2, absl::Hours(6)};
  after.to.days = 3;
  PhaseDemand falling;
  falling.demand.type = Demand::Type::Decay;
  falling.demand.decay = {Quantity::from_int(10), Decay::Curve::Exponential};
  after.demands = {falling};
  watch.name = "watch";
  watch.from.days = -10;
  watch.to.days = -3;
  watch.notify = {{"on-call", "Diwali is near", "info"}};
  watch.switches = {{"flags", "mode", "calm", {"mumbai", "chennai"}}};
  expected.phases = {short_form, long_form, after, watch};
  expected.priority = 0;
  expected.suspend = SuspendMode::Restore;

  EXPECT_EQ(spec_of(full_festival_schedule()), expected);
}

TEST(FestivalSchedule, without_a_priority_differs_from_priority_0) {
  json object = full_festival_schedule();
  EXPECT_EQ(spec_of(object).priority, 0);
  object["spec"].erase("priority");
  EXPECT_EQ(spec_of(object).priority, std::nullopt);
}

TEST(FestivalSchedule, says_what_is_wrong_and_where) {
  const Mutation table[] = {
      {"/spec", "", "spec: must be given"},
      {"/spec/timeZone", "", "spec.timeZone: must be a string that is not empty, not absent"},
      {"/spec/fold", "\"Both\"", "spec.fold: must be one of Earlier, Later, not \"Both\""},
      {"/spec/occurrences/0/name", "", "spec.occurrences[0].name: must be a string"},
      {"/spec/occurrences/0/day", "\"2026-02-30\"", "spec.occurrences[0].day: must be a day of the calendar"},
      {"/spec/occurrences/0/day", "", "spec.occurrences[0]: needs exactly one of day, instant, rrule and calendarRef"},
      {"/spec/occurrences/0/instant", "\"2026-11-08T00:00:00Z\"", "spec.occurrences[0]: needs exactly one of day"},
      {"/spec/occurrences/1/instant", "\"2026-11-08 00:00\"", "spec.occurrences[1].instant: time"},
      {"/spec/occurrences/2/start", "", "spec.occurrences[2].start: rrule needs the day"},
      {"/spec/occurrences/2/exdates/0", "7", "spec.occurrences[2].exdates[0]: must be a string, not 7"},
      {"/spec/occurrences/3/calendarRef/key", "", "spec.occurrences[3].calendarRef.key: must be a string"},
      {"/spec/waves/0/targets/roles/0", "\"Reader\"", "spec.waves[0].targets.roles[0]: must be one of Workload"},
      {"/spec/waves/0/gate", "\"Healthy\"", "spec.waves[0].gate: must be one of Ready, None"},
      {"/spec/waves/0/gateTimeout", "\"\"", "spec.waves[0].gateTimeout: duration"},
      {"/spec/phases/0/name", "", "spec.phases[0].name: must be a string"},
      {"/spec/phases/0/from", "", "spec.phases[0].from: must be an offset such as -P3D"},
      {"/spec/phases/0/to", "\"-1d\"", "spec.phases[0].to: offset \"-1d\""},
      {"/spec/phases/0/to", "-1", "spec.phases[0].to: must be a string, not -1"},
      {"/spec/phases/0/multiplier", "\"0\"", "spec.phases[0].multiplier: must be above 0"},
      {"/spec/phases/0/multiplier", "", "spec.phases[0].targets: needs one of multiplier, add, replicas and decay"},
      {"/spec/phases/0/add", "2", "spec.phases[0]: needs exactly one of multiplier, add, replicas and decay"},
      {"/spec/phases/0/targets/selector", "7", "spec.phases[0].targets.selector: must be an object, not 7"},
      {"/spec/phases/1/add", "2", "spec.phases[1].demands: excludes multiplier, add, replicas and decay"},
      {"/spec/phases/1/demands/0/replicas", "-1", "spec.phases[1].demands[0].replicas: must be a whole number from 0"},
      {"/spec/phases/1/demands/1/add", "", "spec.phases[1].demands[1]: needs exactly one of multiplier"},
      {"/spec/phases/1/demands/1/add", "0", "spec.phases[1].demands[1].add: must be a whole number from 1"},
      {"/spec/phases/1/capacity", "\"Ready\"", "spec.phases[1].capacity: must be one of ReadyBy, Start"},
      {"/spec/phases/1/decrease", "true", "spec.phases[1].decrease: must be a string"},
      {"/spec/phases/2/decay/percentPerHour", "101",
       "spec.phases[2].decay.percentPerHour: must be above 0 and at most"},
      {"/spec/phases/2/decay/percentPerHour", "0", "spec.phases[2].decay.percentPerHour: must be above 0 and at most"},
      {"/spec/phases/2/decay/curve", "\"Cubic\"", "spec.phases[2].decay.curve: must be one of Linear, Exponential"},
      {"/spec/phases/3/notify/0/receiver", "", "spec.phases[3].notify[0].receiver: must be a string"},
      {"/spec/phases/3/switches/0/key", "", "spec.phases[3].switches[0].key: must be a string"},
      {"/spec/phases/3/switches/0/regions", "\"all\"", "spec.phases[3].switches[0].regions: must be a list"},
      {"/spec/priority", "\"high\"", "spec.priority: must be a whole number"},
      {"/spec/suspend", "\"Pause\"", "spec.suspend: must be one of None, Hold, Restore"},
  };
  for (const Mutation& mutation : table) {
    const Result<FestivalSchedule> schedule = festival_schedule_from_json(mutated(full_festival_schedule(), mutation));
    ASSERT_FALSE(schedule) << mutation.pointer;
    EXPECT_EQ(schedule.error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(schedule.error().message.find(mutation.error), 0u) << schedule.error().message;
  }
}

TEST(FestivalSchedule, reads_back_the_status_that_was_written) {
  json object = full_festival_schedule();
  for (const FestivalScheduleStatus& written : {full_festival_schedule_status(), FestivalScheduleStatus()}) {
    object["status"] = to_json(written);
    const Result<FestivalSchedule> schedule = festival_schedule_from_json(object);
    ASSERT_TRUE(schedule) << schedule.error().message;
    EXPECT_EQ(schedule.value().status, written);
  }
}

TEST(FestivalSchedule, does_not_guess_at_a_status_that_is_broken) {
  json object = full_festival_schedule();
  object["status"] = json::parse(R"({"switches": [{"configMap": "flags"}], "next": []})");
  const Result<FestivalSchedule> schedule = festival_schedule_from_json(object);
  ASSERT_FALSE(schedule);
  EXPECT_EQ(schedule.error().message, "status.switches[0].key: must be a string that is not empty, not absent");
}

}  // namespace
}  // namespace headroom::api
