#include "operator/controllers/calendar_watch.h"

#include <gtest/gtest.h>

#include <atomic>

#include "operator/controllers/calendar_copy.h"
#include "tests/controllers/test_world.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;
using testing_support::ist;

const CalendarSourceKey kSource{"shop", "holidays", "india.ics"};
const api::Occurrence::CalendarRef kRef{"holidays", "india.ics", "Diwali"};

std::string calendar(const std::string& date) {
  return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
         "DTSTART" +
         date + "\r\nSUMMARY:Diwali\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
}

struct Stage {
  TestWorld home;
  std::atomic<int> told{0};
  std::unique_ptr<CalendarWatch> watch;

  Stage() {
    user("diwali", "Asia/Kolkata");
    restart();
  }
  void user(const std::string& name, const std::string& zone) {
    api::FestivalSchedule schedule;
    schedule.meta.ns = "shop";
    schedule.meta.name = name;
    schedule.meta.uid = "uid-" + name;
    schedule.spec.time_zone = zone;
    schedule.spec.occurrences.resize(1);
    schedule.spec.occurrences[0].calendar = kRef;
    home.load(schedule);
  }
  void restart() {
    watch.reset();
    watch = std::make_unique<CalendarWatch>(*home.world, [this] { ++told; });
  }
  void publish(const std::string& text) {
    home.server->put(config_map_path("shop", "holidays"), {{"data", {{"india.ics", text}}}});
  }
  CalendarSource::Answer ask() { return watch->events("shop", kRef); }
  bool await(const std::function<bool(const CalendarSource::Answer&)>& holds) {
    return home.server->await([&] { return holds(ask()); });
  }
  std::string copy_path() const { return config_map_path("shop", calendar_copy_name(kSource)); }
};

std::optional<absl::CivilDay> only_day(const CalendarSource::Answer& answer) {
  if (!answer.events || answer.events->size() != 1) return std::nullopt;
  return answer.events->front().day;
}

const absl::CivilDay kEighth(2026, 11, 8), kNinth(2026, 11, 9);

TEST(CalendarWatch, has_the_days_with_the_very_first_answer) {
  Stage stage;
  stage.publish(calendar(";VALUE=DATE:20261108"));
  const auto answer = stage.ask();
  EXPECT_EQ(only_day(answer), kEighth);
  EXPECT_EQ(answer.read, ist("2026-11-01"));
  EXPECT_EQ(answer.problem, "");
  EXPECT_TRUE(stage.home.server->await([&] { return stage.told >= 1; }));
}

TEST(CalendarWatch, follows_changes_and_tells_only_those_that_change_something) {
  Stage stage;
  stage.publish(calendar(";VALUE=DATE:20261108"));
  const auto first = stage.ask();
  stage.home.server->await([&] { return stage.told == 1; });
  stage.publish(calendar(";VALUE=DATE:20261109"));
  ASSERT_TRUE(stage.await([](const auto& answer) { return only_day(answer) == kNinth; }));
  EXPECT_EQ(stage.told, 2);
  const auto second = stage.ask().events;
  stage.home.clock.advance(absl::Hours(1));
  stage.publish(calendar(";VALUE=DATE:20261109") + "\r\n");
  ASSERT_TRUE(stage.await([](const auto& answer) { return answer.read == ist("2026-11-01 01:00:00"); }));
  EXPECT_EQ(stage.ask().events, second) << "equal events keep their place";
  EXPECT_EQ(stage.told, 2);
}

TEST(CalendarWatch, keeps_the_last_good_days_while_the_source_is_broken_or_gone) {
  struct Row {
    const char* what;
    std::function<void(Stage&)> harm;
    const char* told;
  };
  const Row table[] = {
      {"broken", [](Stage& stage) { stage.publish("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"); }, "india.ics"},
      {"empty", [](Stage& stage) { stage.publish(""); }, "india.ics"},
      {"its key gone",
       [](Stage& stage) {
         stage.home.server->put(config_map_path("shop", "holidays"), {{"data", {{"b.ics", ""}}}});
       },
       "the ConfigMap has: b.ics"},
      {"gone", [](Stage& stage) { stage.home.server->erase(config_map_path("shop", "holidays")); }, "does not exist"},
  };
  for (const Row& row : table) {
    Stage stage;
    stage.publish(calendar(";VALUE=DATE:20261108"));
    stage.ask();
    row.harm(stage);
    ASSERT_TRUE(stage.await([](const auto& answer) { return !answer.problem.empty(); })) << row.what;
    const auto answer = stage.ask();
    EXPECT_EQ(only_day(answer), kEighth) << row.what;
    EXPECT_EQ(answer.read, ist("2026-11-01")) << row.what;
    EXPECT_NE(answer.problem.find(row.told), std::string::npos) << row.what << ": " << answer.problem;
    EXPECT_NE(answer.problem.find("stays in use"), std::string::npos) << row.what << ": " << answer.problem;
  }
}

TEST(CalendarWatch, a_restart_with_the_source_gone_finds_the_kept_copy) {
  Stage stage;
  stage.publish(calendar(";VALUE=DATE:20261108"));
  stage.ask();
  ASSERT_TRUE(stage.home.server->await([&] { return !stage.home.server->get(stage.copy_path()).is_null(); }));
  const json copy = stage.home.server->get(stage.copy_path());
  EXPECT_EQ(copy["metadata"]["ownerReferences"][0]["uid"], "uid-diwali");
  stage.home.server->erase(config_map_path("shop", "holidays"));
  stage.home.clock.advance(absl::Hours(5));
  stage.restart();
  const auto answer = stage.ask();
  EXPECT_EQ(only_day(answer), kEighth);
  EXPECT_EQ(answer.read, ist("2026-11-01"));
  EXPECT_NE(answer.problem.find("does not exist"), std::string::npos);
}

TEST(CalendarWatch, a_copy_that_is_up_to_date_is_not_written_again) {
  Stage stage;
  stage.publish(calendar(";VALUE=DATE:20261108"));
  stage.ask();
  ASSERT_TRUE(stage.home.server->await([&] { return !stage.home.server->get(stage.copy_path()).is_null(); }));
  const std::size_t writes = stage.home.server->writes().size();
  stage.restart();
  stage.ask();
  stage.publish(calendar(";VALUE=DATE:20261109"));
  ASSERT_TRUE(stage.await([](const auto& answer) { return only_day(answer) == kNinth; }));
  ASSERT_TRUE(stage.home.server->await(
      [&] { return stage.home.server->get(stage.copy_path())["data"].dump().find("20261109") != std::string::npos; }));
  EXPECT_EQ(stage.home.server->writes().size(), writes + 1) << "one write for one change";
}

TEST(CalendarWatch, a_copy_is_kept_over_the_version_that_was_seen_whoever_touched_it) {
  Stage stage;
  stage.publish(calendar(";VALUE=DATE:20261108"));
  stage.ask();
  const auto holds = [&](const char* date) {
    return stage.home.server->await(
        [&] { return stage.home.server->get(stage.copy_path()).dump().find(date) != std::string::npos; });
  };
  ASSERT_TRUE(holds("20261108"));

  stage.home.server->edit(stage.copy_path(), {{"metadata", {{"labels", {{"team", "shop"}}}}}});
  stage.publish(calendar(";VALUE=DATE:20261109"));
  ASSERT_TRUE(stage.await([](const auto& answer) { return only_day(answer) == kNinth; }));
  EXPECT_TRUE(holds("20261109"));
  EXPECT_EQ(stage.home.server->unconditional_writes(), std::vector<std::string>())
      << "a former leader's might come late";

  stage.home.server->erase(stage.copy_path());
  stage.publish(calendar(";VALUE=DATE:20261110"));
  EXPECT_TRUE(holds("20261110")) << "removed by somebody, it is kept anew";
}

TEST(CalendarWatch, says_what_is_missing_when_there_has_never_been_a_calendar) {
  Stage stage;
  const auto answer = stage.ask();
  EXPECT_FALSE(answer.events);
  EXPECT_FALSE(answer.read);
  EXPECT_NE(answer.problem.find("ConfigMap shop/holidays"), std::string::npos) << answer.problem;
}

TEST(CalendarWatch, takes_times_without_a_zone_in_that_of_the_schedules_that_use_them) {
  Stage stage;
  stage.publish(calendar(":20261108T090000"));
  const auto answer = stage.ask();
  ASSERT_TRUE(answer.events) << answer.problem;
  ASSERT_EQ(answer.events->size(), 1U);
  EXPECT_EQ(answer.events->front().instant, ist("2026-11-08 09:00:00"));
  stage.user("diwali-in-berlin", "Europe/Berlin");
  const auto torn = stage.ask();
  EXPECT_FALSE(torn.events);
  EXPECT_NE(torn.problem.find("TZID"), std::string::npos) << torn.problem;
}

TEST(CalendarWatch, watches_only_so_many_config_maps) {
  Stage stage;
  CalendarWatchLimits limits;
  limits.config_maps = 1;
  stage.watch = std::make_unique<CalendarWatch>(*stage.home.world, std::function<void()>(), limits);
  stage.publish(calendar(";VALUE=DATE:20261108"));
  EXPECT_TRUE(stage.ask().events);
  EXPECT_NE(stage.watch->events("shop", {"other", "k", ""}).problem.find("more than 1 ConfigMaps"), std::string::npos);
}

}  // namespace
}  // namespace headroom::controllers
