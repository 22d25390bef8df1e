// From schedules as written to instants: days, zones, gaps, folds, overlaps, windows.
#include "operator/plan/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/plan/transitions.h"
#include "tests/support/builders.h"
#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing_support::a_festival;
using testing_support::at;
using testing_support::day;
using testing_support::everything;
using testing_support::FestivalBuilder;
using testing_support::ist;
using testing_support::labelled;
using testing_support::named;
using testing_support::offset;
using testing_support::with_role;
using testing_support::zone;

const absl::Time kNow = ist("2026-10-20");

CompiledSchedule compiled(const FestivalBuilder& festival, absl::Time now = kNow) {
  auto result = festival.compile(now);
  EXPECT_TRUE(result) << result.error().message;
  return result ? std::move(result).value() : CompiledSchedule();
}

std::string refusal(const FestivalBuilder& festival) {
  const auto result = festival.compile(kNow);
  EXPECT_FALSE(result);
  return result ? "" : result.error().message;
}

// ---- offsets

TEST(Offset, days_are_civil_and_hours_are_exact) {
  const struct {
    const char *zone, *day, *offset, *expected;
  } table[] = {
      {"Asia/Kolkata", "2026-11-08", "-P3D", "2026-11-05T00:00:00+05:30"},
      {"Asia/Kolkata", "2026-11-08", "PT6H", "2026-11-08T06:00:00+05:30"},
      {"Asia/Kolkata", "2026-11-08", "-P1DT6H", "2026-11-06T18:00:00+05:30"},
      {"Asia/Kolkata", "2026-11-08", "P1W", "2026-11-15T00:00:00+05:30"},
      // Berlin, 2026-03-29: 02:00 becomes 03:00. Three days are three midnights, 72 hours are an hour more on the
      // clock.
      {"Europe/Berlin", "2026-03-30", "-P3D", "2026-03-27T00:00:00+01:00"},
      {"Europe/Berlin", "2026-03-30", "-PT72H", "2026-03-26T23:00:00+01:00"},
      {"Europe/Berlin", "2026-03-29", "PT3H", "2026-03-29T04:00:00+02:00"},
      // 2026-10-25: 03:00 becomes 02:00.
      {"Europe/Berlin", "2026-10-25", "PT3H", "2026-10-25T02:00:00+01:00"},
      {"Europe/Berlin", "2026-10-25", "P1D", "2026-10-26T00:00:00+01:00"},
  };
  for (const auto& row : table) {
    const absl::Time expected = parse_rfc3339(row.expected).value();
    EXPECT_EQ(offset_instant(day(row.day), offset(row.offset), zone(row.zone), Fold::Earlier), expected)
        << row.zone << " " << row.day << " " << row.offset;
  }
}

TEST(Offset, a_midnight_inside_a_gap_is_the_first_instant_after_it) {
  // Beirut skipped from 00:00 to 01:00 on 2022-03-27; Apia skipped the whole of 2011-12-30.
  EXPECT_EQ(offset_instant(day("2022-03-26"), offset("P1D"), zone("Asia/Beirut"), Fold::Earlier),
            parse_rfc3339("2022-03-27T01:00:00+03:00").value());
  EXPECT_EQ(offset_instant(day("2011-12-29"), offset("P1D"), zone("Pacific/Apia"), Fold::Earlier),
            parse_rfc3339("2011-12-31T00:00:00+14:00").value());
}

TEST(Offset, a_midnight_inside_a_fold_is_the_first_unless_told_otherwise) {
  // The Azores, 2026-10-25: 01:00 becomes 00:00.
  EXPECT_EQ(offset_instant(day("2026-10-25"), offset("P0D"), zone("Atlantic/Azores"), Fold::Earlier),
            parse_rfc3339("2026-10-25T00:00:00+00:00").value());
  EXPECT_EQ(offset_instant(day("2026-10-25"), offset("P0D"), zone("Atlantic/Azores"), Fold::Later),
            parse_rfc3339("2026-10-25T00:00:00-01:00").value());
}

TEST(Offset, from_an_exact_instant_days_keep_the_time_of_day) {
  const absl::Time nine = at("2026-03-30 09:30", "Europe/Berlin");
  EXPECT_EQ(offset_instant(nine, offset("-P3D"), zone("Europe/Berlin"), Fold::Earlier),
            at("2026-03-27 09:30", "Europe/Berlin"));
  EXPECT_EQ(offset_instant(nine, offset("-PT72H"), zone("Europe/Berlin"), Fold::Earlier), nine - absl::Hours(72));
  // The second 02:30 of a fold stays the second when no day is added.
  const absl::Time second = parse_rfc3339("2026-10-25T02:30:00+01:00").value();
  EXPECT_EQ(offset_instant(second, offset("PT1H"), zone("Europe/Berlin"), Fold::Earlier), second + absl::Hours(1));
  const absl::Time fraction = nine + absl::Milliseconds(250);
  EXPECT_EQ(offset_instant(fraction, offset("P1D"), zone("Europe/Berlin"), Fold::Earlier),
            at("2026-03-31 09:30", "Europe/Berlin") + absl::Milliseconds(250));
}

// ---- occurrences

TEST(Compile, places_phases_around_the_day) {
  const CompiledSchedule schedule =
      compiled(a_festival("diwali").day("2026-11-08").phase("late", "P0D", "P2D").phase("early", "-P3D", "P0D"));
  ASSERT_THAT(schedule.occurrences, SizeIs(1));
  const CompiledOccurrence& diwali = schedule.occurrences[0];
  EXPECT_EQ(diwali.name, "diwali");
  EXPECT_EQ(diwali.day, ist("2026-11-08"));
  ASSERT_THAT(diwali.intervals, SizeIs(2));
  EXPECT_EQ(diwali.intervals[0].phase, 1);
  EXPECT_EQ(diwali.intervals[0].from, ist("2026-11-05"));
  EXPECT_EQ(diwali.intervals[0].to, ist("2026-11-08"));
  EXPECT_EQ(schedule.window_from, kNow - absl::Hours(60 * 24));
  EXPECT_EQ(schedule.window_to, kNow + absl::Hours(400 * 24));
}

TEST(Compile, names_recurring_days_by_their_date_and_leaves_out_exdates) {
  const CompiledSchedule schedule =
      compiled(a_festival("payday")
                   .recurring("2026-01-31", "FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20270131", {"2026-11-30"})
                   .phase("day", "P0D", "P1D"));
  std::vector<std::string> names;
  for (const CompiledOccurrence& occurrence : schedule.occurrences) names.push_back(occurrence.name);
  EXPECT_THAT(names, ElementsAre("payday/2026-08-31", "payday/2026-09-30", "payday/2026-10-31", "payday/2026-12-31",
                                 "payday/2027-01-31"));
}

TEST(Compile, keeps_what_touches_the_window_through_its_phases) {
  // 60 days before 2026-10-20 is 2026-08-21.
  EXPECT_THAT(compiled(a_festival("past").day("2026-08-01").phase("a", "P0D", "P20D")).occurrences, IsEmpty());
  EXPECT_THAT(compiled(a_festival("past").day("2026-08-01").phase("a", "P0D", "P21D")).occurrences, SizeIs(1));
  EXPECT_THAT(compiled(a_festival("far").day("2028-01-01").phase("a", "P0D", "P1D")).occurrences, IsEmpty());
  EXPECT_THAT(compiled(a_festival("far").day("2028-01-01").phase("a", "-P60D", "P1D")).occurrences, SizeIs(1));
  EXPECT_THAT(
      compiled(a_festival("yearly").recurring("2020-12-15", "FREQ=YEARLY").phase("a", "-P400D", "P1D")).occurrences,
      SizeIs(3))
      << "2026, 2027, and 2028 by the reach of its phase";
}

TEST(Compile, takes_the_days_and_instants_of_calendars) {
  const std::vector<CalendarEvent> events = {{"1", "Diwali", day("2026-11-08"), std::nullopt},
                                             {"2", "Diwali", day("2026-11-08"), std::nullopt},
                                             {"3", "Sale", std::nullopt, ist("2026-11-20 09:30")}};
  const auto schedule =
      a_festival("feast").calendar("").phase("day", "-P1D", "P0D").phase("after", "P0D", "PT6H").compile(kNow, events);
  ASSERT_TRUE(schedule) << schedule.error().message;
  ASSERT_THAT(schedule.value().occurrences, SizeIs(2));
  EXPECT_EQ(schedule.value().occurrences[0].name, "feast/2026-11-08");
  EXPECT_EQ(schedule.value().occurrences[1].name, "feast/2026-11-20T0930");
  EXPECT_EQ(schedule.value().occurrences[1].intervals[0].from, ist("2026-11-19 09:30"));
  EXPECT_EQ(schedule.value().occurrences[1].intervals[1].to, ist("2026-11-20 15:30"));
  EXPECT_THAT(compiled(a_festival("feast").calendar("").phase("day", "-P1D", "P0D")).occurrences, IsEmpty())
      << "a calendar that was never read has no days";
}

TEST(Compile, a_phase_that_a_clock_change_swallows_is_left_out_that_day) {
  // Berlin, 2027-03-28 has 23 hours: from the 23rd hour on is the next midnight already.
  const CompiledSchedule schedule = compiled(a_festival("late")
                                                 .zone("Europe/Berlin")
                                                 .recurring("2027-03-27", "FREQ=DAILY;COUNT=3")
                                                 .phase("last hour", "PT23H", "P1D"));
  EXPECT_THAT(schedule.timeline, SizeIs(2));
}

// ---- refusals

TEST(Compile, refuses_a_phase_that_ends_before_it_starts) {
  EXPECT_EQ(refusal(a_festival("f").day("2026-11-08").phase("a", "P0D", "P1D").phase("peak", "P1D", "PT24H")),
            "spec.phases[1] \"peak\": to PT24H must lie after from P1D");
}

TEST(Compile, refuses_overlaps_that_selections_alone_prove) {
  const auto two = [](const api::TargetSelection& a, const api::TargetSelection& b) {
    return a_festival("f").day("2026-11-08").phase("a", "P0D", "P2D").add(a, 1).phase("b", "P1D", "P3D").add(b, 1);
  };
  const auto in_region = [](api::TargetSelection selection, const char* region) {
    selection.regions = {region};
    return selection;
  };
  const auto replicas = with_role(api::Role::ReadReplica);
  EXPECT_EQ(refusal(two(named({"x"}), named({"y", "x"}))),
            "spec.phases[0] \"a\" and spec.phases[1] \"b\" hold at the same time for the same targets: end \"a\" at "
            "P1D or give them different targets");
  EXPECT_THAT(refusal(two(everything(), everything())), HasSubstr("hold at the same time"));
  EXPECT_THAT(refusal(two({}, replicas)), HasSubstr("hold at the same time"));
  EXPECT_THAT(refusal(two(labelled("tier", "web"), labelled("tier", "web"))), HasSubstr("hold at the same time"));
  EXPECT_THAT(refusal(two(in_region(named({"x"}), "mumbai"), named({"x"}))), HasSubstr("hold at the same time"));
  EXPECT_THAT(refusal(two(named({"x"}), everything())), HasSubstr("hold at the same time"));

  const std::pair<api::TargetSelection, api::TargetSelection> fine[] = {
      {named({"x"}), named({"y"})},
      {labelled("tier", "web"), labelled("tier", "api")},
      {labelled("tier", "web"), labelled("part-of", "erp")},
      {labelled("tier", "web"), replicas},
      {labelled("tier", "web"), named({"x"})},
      {in_region(named({"x"}), "mumbai"), in_region(named({"x"}), "chennai")},
  };
  for (const auto& [a, b] : fine) EXPECT_TRUE(two(a, b).compile(kNow));
}

TEST(Compile, phases_may_touch) {
  EXPECT_TRUE(a_festival("f")
                  .day("2026-11-08")
                  .phase("b", "P1D", "P2D")
                  .add(everything(), 1)
                  .phase("a", "P0D", "P1D")
                  .add(everything(), 1)
                  .compile(kNow));
}

TEST(Compile, refuses_what_else_cannot_be_meant) {
  const auto plain = [] { return a_festival("f").day("2026-11-08"); };
  EXPECT_THAT(refusal(plain().phase("a", "P0D", "P1D").decay(everything(), "10")),
              HasSubstr("spec.phases[0] \"a\": decay starts from an earlier phase's size"));
  EXPECT_THAT(
      refusal(plain().phase("a", "P0D", "P1D").add(everything(), 1).phase("b", "P1D", "P2D").decay(everything(), "0")),
      HasSubstr("spec.phases[1] \"b\".demands[0]: decay.percentPerHour 0 must be above 0"));
  EXPECT_THAT(refusal(plain().phase("a", "P0D", "P1D").multiply(everything(), "-1")), HasSubstr("negative"));
  EXPECT_THAT(refusal(plain().phase("a", "P0D", "P1D").phase("a", "P1D", "P2D")), HasSubstr("name of two phases"));
  EXPECT_THAT(refusal(plain().day("2026-12-01").phase("a", "P0D", "P1D")), HasSubstr("is the name of two"));
  EXPECT_THAT(refusal(a_festival("f").recurring("2026-01-01", "FREQ=HOURLY").phase("a", "P0D", "P1D")),
              HasSubstr("spec.occurrences \"f\": rrule: FREQ=HOURLY must be"));
  EXPECT_THAT(refusal(a_festival("f").recurring("2026-01-01", "FREQ=DAILY").phase("a", "-P1000D", "P1D")),
              HasSubstr("more than 1000 dates"));
  FestivalBuilder many = a_festival("f");
  for (int i = 0; i < 24; ++i)
    many.phase("h" + std::to_string(i), "PT" + std::to_string(i) + "H", "PT" + std::to_string(i + 1) + "H");
  many.recurring("2026-01-01", "FREQ=DAILY");
  EXPECT_TRUE(many.compile(kNow)) << "every hour of a year";
  for (int i = 0; i < 4; ++i) many.recurring("2026-01-01", "FREQ=DAILY");
  for (int i = 0; i < 5; ++i) many.spec().occurrences[static_cast<std::size_t>(i)].name = "daily-" + std::to_string(i);
  EXPECT_THAT(refusal(many), HasSubstr("spec.occurrences up to \"daily-4\" mean 5"));
  FestivalBuilder nothing = a_festival("f").phase("a", "P0D", "P1D");
  nothing.spec().occurrences.emplace_back().name = "empty";
  EXPECT_THAT(refusal(nothing), HasSubstr("needs one of day, instant, rrule and calendarRef"));
}

// ---- transitions

TEST(Transitions, come_in_order_ends_before_starts) {
  const CompiledSchedule schedule =
      compiled(a_festival("diwali").day("2026-11-08").phase("eve", "-P1D", "P0D").phase("day", "P0D", "P1D"));
  const std::vector<Transition> all = transitions_after(schedule, ist("2026-11-01"), 10);
  ASSERT_THAT(all, SizeIs(4));
  const auto told = [](const Transition& one) {
    return testing_support::in_ist(one.at).substr(5, 11) + (one.event == Transition::Event::Start ? " + " : " - ") +
           one.phase;
  };
  EXPECT_EQ(told(all[0]), "11-07 00:00 + eve");
  EXPECT_EQ(told(all[1]), "11-08 00:00 - eve");
  EXPECT_EQ(told(all[2]), "11-08 00:00 + day");
  EXPECT_EQ(told(all[3]), "11-09 00:00 - day");
  EXPECT_EQ(all[2].occurrence, "diwali");
  EXPECT_EQ(all[2].phase_index, 1);

  EXPECT_THAT(transitions_after(schedule, ist("2026-11-08"), 10), SizeIs(1)) << "after means after";
  EXPECT_THAT(transitions_after(schedule, ist("2026-11-01"), 3), SizeIs(3));
  EXPECT_THAT(transitions_after(schedule, ist("2026-11-01"), 0), IsEmpty());
  EXPECT_THAT(transitions_between(schedule, ist("2026-11-07"), ist("2026-11-08")), SizeIs(2)) << "until is included";
  EXPECT_THAT(transitions_after(schedule, ist("2025-10-01"), 10), IsEmpty()) << "400 days and no further";
}

TEST(Transitions, tell_the_phases_in_force) {
  const CompiledSchedule schedule = compiled(a_festival("diwali")
                                                 .day("2026-11-08")
                                                 .phase("eve", "-P1D", "P0D")
                                                 .phase("day", "P0D", "P1D")
                                                 .phase("around", "-P2D", "P2D"));
  const std::vector<PhaseInForce> at_midnight = phases_at(schedule, ist("2026-11-08"));
  ASSERT_THAT(at_midnight, SizeIs(2));
  EXPECT_EQ(at_midnight[0].phase, 2);
  EXPECT_EQ(at_midnight[1].phase, 1);
  EXPECT_EQ(at_midnight[1].from, ist("2026-11-08"));
  EXPECT_THAT(phases_at(schedule, ist("2026-11-10")), IsEmpty());
}

}  // namespace
}  // namespace headroom::plan
