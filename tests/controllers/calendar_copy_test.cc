// The kept copy of a calendar, and the schedules that it is kept for.
#include "operator/controllers/calendar_copy.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/controllers/calendar_users.h"

namespace headroom::controllers {
namespace {

const CalendarSourceKey kSource{"shop", "holidays", "india.ics"};
const absl::Time kRead = absl::FromUnixSeconds(1'794'400'000);

TEST(CalendarCopy, reads_back_what_was_kept) {
  const CalendarCopy copy{"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
                          kRead,
                          {{"headroom.dev/v1alpha1", "FestivalSchedule", "diwali", "uid-1", false}}};
  const nlohmann::json config_map = to_config_map(kSource, copy);
  EXPECT_EQ(config_map["metadata"]["name"], calendar_copy_name(kSource));
  EXPECT_EQ(config_map["metadata"]["ownerReferences"][0]["uid"], "uid-1");
  const auto read = calendar_copy_from_json(kSource, config_map);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().text, copy.text);
  EXPECT_EQ(read.value().read, kRead);
  ASSERT_EQ(read.value().owners.size(), 1U);
  EXPECT_EQ(read.value().owners[0].uid, "uid-1");
}

TEST(CalendarCopy, has_a_name_of_its_own_for_every_source_and_always_the_same) {
  EXPECT_EQ(calendar_copy_name(kSource), "headroom-calendar-99c467b308d7cebb");
  EXPECT_NE(calendar_copy_name(kSource), calendar_copy_name({"shop", "holidays", "iran.ics"}));
  EXPECT_NE(calendar_copy_name(kSource), calendar_copy_name({"shop", "other", "india.ics"}));
}

TEST(CalendarCopy, is_not_taken_from_another_source_or_a_broken_object) {
  const nlohmann::json good = to_config_map(kSource, {"text", kRead});
  EXPECT_FALSE(calendar_copy_from_json({"shop", "holidays", "other.ics"}, good));
  for (const char* path : {"/data", "/metadata/annotations/headroom.dev~1calendar-read", "/data/calendar.ics"}) {
    nlohmann::json broken = good;
    const nlohmann::json::json_pointer pointer(path);
    broken.at(pointer.parent_pointer()).erase(pointer.back());
    EXPECT_FALSE(calendar_copy_from_json(kSource, broken)) << path;
  }
}

std::shared_ptr<const api::FestivalSchedule> user(const std::string& ns, const std::string& name,
                                                  const std::string& zone, const std::string& summary,
                                                  const std::string& key = "india.ics") {
  auto schedule = std::make_shared<api::FestivalSchedule>();
  schedule->meta.ns = ns;
  schedule->meta.name = name;
  schedule->meta.uid = "uid-" + name;
  schedule->spec.time_zone = zone;
  schedule->spec.occurrences.resize(1);
  schedule->spec.occurrences[0].calendar = api::Occurrence::CalendarRef{"holidays", key, summary};
  return schedule;
}

TEST(CalendarUsers, give_floating_times_their_zone_where_they_agree) {
  const std::vector agreeing = {user("shop", "a", "Asia/Kolkata", "Diwali"),
                                user("shop", "b", "Asia/Kolkata", "Diwali"), user("shop", "c", "Europe/Berlin", "Holi"),
                                user("other", "d", "Europe/Berlin", "Diwali")};
  EXPECT_EQ(zone_of_users(agreeing, kSource, "Diwali"), "Asia/Kolkata");
  EXPECT_EQ(zone_of_users(agreeing, kSource, "Holi"), "Europe/Berlin");
  EXPECT_EQ(zone_of_users(agreeing, kSource, "Eid"), "");
  const std::vector disagreeing = {user("shop", "a", "Asia/Kolkata", "Diwali"),
                                   user("shop", "b", "Europe/Berlin", "Diwali")};
  EXPECT_EQ(zone_of_users(disagreeing, kSource, "Diwali"), "");
}

TEST(CalendarUsers, own_the_copy_until_they_are_deleted) {
  auto leaving = std::make_shared<api::FestivalSchedule>(*user("shop", "leaving", "UTC", "Diwali"));
  leaving->meta.deleted = kRead;
  const std::vector<std::shared_ptr<const api::FestivalSchedule>> schedules = {
      user("shop", "b", "UTC", "Holi"), user("shop", "a", "UTC", "Diwali"), leaving,
      user("other", "c", "UTC", "Diwali"), user("shop", "d", "UTC", "Diwali", "iran.ics")};
  const auto owners = owners_of_copy(schedules, kSource);
  ASSERT_EQ(owners.size(), 2U);
  EXPECT_EQ(owners[0].name, "a");
  EXPECT_EQ(owners[1].name, "b");
  EXPECT_EQ(owners[0].kind, "FestivalSchedule");
  EXPECT_EQ(owners[0].api_version, "headroom.dev/v1alpha1");
}

}  // namespace
}  // namespace headroom::controllers
