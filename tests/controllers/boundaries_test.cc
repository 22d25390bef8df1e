#include "operator/controllers/boundaries.h"

#include <gtest/gtest.h>

#include "tests/controllers/a_schedule.h"

namespace headroom::controllers {
namespace {

using testing_support::ist;

/// One schedule over the life of several operator processes.
struct Watch {
  testing_support::FestivalBuilder builder = diwali();
  api::FestivalSchedule schedule = as_object(builder);
  std::shared_ptr<const plan::CompiledSchedule> plan = compiled(builder);
  std::optional<absl::Time> looked_until;

  BoundaryAccount look(const std::string& civil) {
    const absl::Time now = ist(civil);
    BoundaryAccount account = account_boundaries({*plan, schedule.meta, schedule.status, looked_until, now});
    schedule.status.last_boundary = account.last;
    schedule.status.missed_boundaries = account.missed;
    schedule.status.observed_generation = schedule.meta.generation;
    looked_until = now;
    return account;
  }
  void restart() { looked_until.reset(); }
  void edit(testing_support::FestivalBuilder changed) {
    builder = std::move(changed);
    schedule.spec = builder.spec();
    ++schedule.meta.generation;
    plan = compiled(builder);
  }
};

TEST(Boundaries, are_processed_once_by_the_look_that_comes_first_after_them) {
  Watch watch;
  EXPECT_FALSE(watch.look("2026-11-04 23:59:59").last);
  const BoundaryAccount first = watch.look("2026-11-05 00:00:00");
  ASSERT_EQ(first.passed.size(), 1U);
  EXPECT_EQ(first.last->phase, "prepare");
  EXPECT_EQ(first.last->event, "Start");
  EXPECT_EQ(first.last->late_by, absl::ZeroDuration());
  EXPECT_EQ(first.missed, 0);
  EXPECT_TRUE(watch.look("2026-11-05 00:00:01").passed.empty());
  EXPECT_EQ(watch.look("2026-11-06 12:00:00").last, first.last) << "nothing new";
}

TEST(Boundaries, one_phase_gives_way_to_the_next_at_one_instant) {
  Watch watch;
  watch.look("2026-11-05 00:00:00");
  const BoundaryAccount account = watch.look("2026-11-07 00:00:12");
  ASSERT_EQ(account.passed.size(), 2U);
  EXPECT_EQ(account.passed[0].phase, "prepare");
  EXPECT_EQ(account.passed[1].phase, "peak");
  EXPECT_EQ(account.last->phase, "peak");
  EXPECT_EQ(account.last->late_by, absl::Seconds(12));
  EXPECT_EQ(account.newly_missed, 0) << "late is not missed while somebody is awake";
}

TEST(Boundaries, that_pass_while_no_operator_is_awake_count_as_missed_once) {
  Watch watch;
  watch.look("2026-11-04");
  watch.look("2026-11-05 00:00:00");
  watch.restart();
  const BoundaryAccount account = watch.look("2026-11-10 06:00:00");
  EXPECT_EQ(account.newly_missed, 4) << "end of prepare, start and end of peak, start of decay";
  EXPECT_EQ(account.missed, 4);
  EXPECT_EQ(account.last->phase, "decay");
  EXPECT_EQ(account.last->late_by, absl::Hours(6));
  watch.restart();
  EXPECT_EQ(watch.look("2026-11-10 07:00:00").missed, 4) << "a second restart does not count them again";
  EXPECT_EQ(watch.look("2026-11-11 00:00:00").missed, 4) << "and what passes while awake is not missed";
}

TEST(Boundaries, before_the_object_was_made_are_nobodys) {
  Watch watch;
  watch.schedule.meta.created = ist("2026-11-08");
  const BoundaryAccount account = watch.look("2026-11-08 00:00:05");
  EXPECT_FALSE(account.last);
  EXPECT_EQ(account.missed, 0);
}

TEST(Boundaries, between_making_the_object_and_the_first_operator_are_missed) {
  Watch watch;
  EXPECT_EQ(watch.look("2026-11-07 12:00:00").missed, 3);
}

TEST(Boundaries, that_an_edit_puts_into_the_past_are_neither_late_nor_missed) {
  Watch watch;
  watch.look("2026-11-01");
  watch.edit(diwali("2026-11-02"));
  const BoundaryAccount account = watch.look("2026-11-01 00:00:01");
  EXPECT_TRUE(account.passed.empty());
  EXPECT_EQ(account.missed, 0);
}

TEST(Boundaries, an_edit_while_no_operator_is_awake_is_given_the_benefit_of_the_doubt) {
  Watch watch;
  watch.look("2026-11-04");
  watch.look("2026-11-05 00:00:00");
  watch.restart();
  watch.edit(diwali("2026-11-09"));
  const BoundaryAccount account = watch.look("2026-11-09");
  EXPECT_EQ(account.missed, 0);
  ASSERT_TRUE(account.last) << "what is stored no longer stands in the schedule";
  EXPECT_EQ(account.last->at, ist("2026-11-08"));
  EXPECT_EQ(account.last->phase, "peak");
  EXPECT_EQ(account.last->late_by, absl::ZeroDuration());
  watch.restart();
  EXPECT_EQ(watch.look("2026-11-09 01:00:00").missed, 0);
}

TEST(Boundaries, a_last_boundary_that_an_edit_has_abolished_goes) {
  Watch watch;
  watch.look("2026-11-05 00:00:00");
  watch.edit(diwali("2026-12-08"));
  EXPECT_FALSE(watch.look("2026-11-05 00:01:00").last);
}

TEST(Boundaries, a_last_boundary_older_than_the_compiled_window_stays) {
  Watch watch;
  watch.look("2026-10-30");
  const BoundaryAccount old = watch.look("2026-11-11 00:00:00");
  watch.plan = compiled(watch.builder, ist("2027-06-01"));
  EXPECT_EQ(watch.look("2027-06-01").last, old.last);
}

TEST(Boundaries, survive_a_status_that_keeps_whole_seconds) {
  Watch watch;
  watch.builder = testing_support::a_festival("diwali")
                      .instant(ist("2026-11-08") + absl::Milliseconds(500))
                      .phase("peak", "P0D", "P2D")
                      .multiply(testing_support::everything(), "5");
  watch.plan = compiled(watch.builder);
  watch.looked_until = ist("2026-11-07");
  watch.look("2026-11-08 00:00:01");
  watch.schedule.status.last_boundary->at = absl::FromUnixSeconds(absl::ToUnixSeconds(ist("2026-11-08")));
  watch.restart();
  EXPECT_EQ(watch.look("2026-11-08 00:00:05").missed, 0) << "the stored boundary is not a new one";
}

}  // namespace
}  // namespace headroom::controllers
