// The planner's dates, instants and decays against tables that another implementation worked out (oracle.py). CTest
// makes the tables and names their folder in HEADROOM_ORACLE_TABLES.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "operator/plan/compile.h"
#include "operator/plan/demand.h"
#include "operator/plan/recurrence.h"
#include "tests/support/builders.h"
#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing_support::day;

/// Calls `check` with each line of a table; the test fails when there are none.
template <class Check>
void for_each_line(const std::string& table, Check check) {
  const char* folder = std::getenv("HEADROOM_ORACLE_TABLES");  // NOLINT(concurrency-mt-unsafe): nobody sets variables
  ASSERT_NE(folder, nullptr) << "run me through ctest, or set HEADROOM_ORACLE_TABLES to a folder that oracle.py filled";
  std::ifstream file(std::string(folder) + "/" + table);
  int lines = 0, failures = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    std::istringstream words(line);
    if (!check(words) && ++failures <= 20) ADD_FAILURE() << line;
  }
  EXPECT_GT(lines, 1000);
  EXPECT_EQ(failures, 0) << "of " << lines;
}

TEST(Oracle, offsets_mean_the_same_instants_over_gaps_and_folds) {
  std::map<std::string, absl::TimeZone> zones;
  for_each_line("offsets.txt", [&](std::istringstream& words) {
    std::string zone_name, fold_name, kind, start;
    int days = 0;
    std::int64_t seconds = 0, expected = 0;
    words >> zone_name >> fold_name >> kind >> start >> days >> seconds >> expected;
    if (!zones.contains(zone_name)) zones[zone_name] = testing_support::zone(zone_name);
    const absl::TimeZone& zone = zones[zone_name];
    const CalendarOffset offset{days, absl::Seconds(seconds)};
    const Fold fold = fold_name == "Later" ? Fold::Later : Fold::Earlier;
    const absl::Time instant = kind == "day"
                                   ? offset_instant(day(start), offset, zone, fold)
                                   : offset_instant(absl::FromUnixSeconds(std::stoll(start)), offset, zone, fold);
    return absl::ToUnixSeconds(instant) == expected;
  });
}

TEST(Oracle, rules_recur_on_the_same_days) {
  for_each_line("recurrences.txt", [](std::istringstream& words) {
    std::string rule, start, from, to;
    words >> rule >> start >> from >> to;
    std::vector<absl::CivilDay> expected;
    for (std::string date; words >> date;) expected.push_back(day(date));
    const auto dates = expand_rrule(rule, day(start), {}, {day(from), day(to), 1000});
    if (!dates) {
      ADD_FAILURE() << dates.error().message;
      return false;
    }
    return dates.value() == expected;
  });
}

TEST(Oracle, decays_come_to_the_same_sizes) {
  for_each_line("decays.txt", [](std::istringstream& words) {
    std::string curve, percent;
    int start = 0, hours = 0, expected = 0;
    words >> curve >> percent >> start >> hours >> expected;
    const api::Decay decay{testing_support::quantity(percent),
                           curve == "Linear" ? api::Decay::Curve::Linear : api::Decay::Curve::Exponential};
    return decayed_size(decay, start, hours) == expected;
  });
}

}  // namespace
}  // namespace headroom::plan
