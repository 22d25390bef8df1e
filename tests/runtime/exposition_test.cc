#include "operator/runtime/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "operator/runtime/status_metrics.h"

namespace headroom::runtime {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Exposition, keeps_families_together_however_they_come) {
  Exposition scrape;
  scrape.gauge("headroom_size", "Sizes", {{"name", "cart"}}, 3);
  scrape.gauge("headroom_age", "Ages", {}, 0.5);
  scrape.gauge("headroom_size", "Sizes", {{"name", "web"}}, 4);
  EXPECT_EQ(scrape.take_text(),
            "# HELP headroom_age Ages\n# TYPE headroom_age gauge\nheadroom_age 0.5\n"
            "# HELP headroom_size Sizes\n# TYPE headroom_size gauge\n"
            "headroom_size{name=\"cart\"} 3\nheadroom_size{name=\"web\"} 4\n");
}

TEST(Exposition, escapes_values_leaves_out_empty_ones_and_writes_numbers_whole) {
  const std::pair<double, const char*> numbers[] = {
      {1794096000, "1794096000"}, {0.0005, "0.0005"}, {-2, "-2"},
      {std::nan(""), "NaN"},      {HUGE_VAL, "+Inf"}, {-HUGE_VAL, "-Inf"}};
  for (const auto& [number, text] : numbers) {
    Exposition scrape;
    scrape.gauge("headroom_x", "X", {{"namespace", ""}, {"name", "a\"b\\c\nd"}}, number);
    EXPECT_THAT(scrape.take_text(), HasSubstr(std::string("\nheadroom_x{name=\"a\\\"b\\\\c\\nd\"} ") + text + "\n"));
  }
}

TEST(Exposition, adds_up_the_buckets_of_a_histogram) {
  Exposition scrape;
  scrape.histogram("headroom_took_seconds", "Took", {{"path", "/a"}}, std::array{0.5, 1.0},
                   std::array<std::uint64_t, 3>{4, 0, 2}, 7.5);
  EXPECT_EQ(scrape.take_text(),
            "# HELP headroom_took_seconds Took\n# TYPE headroom_took_seconds histogram\n"
            "headroom_took_seconds_bucket{path=\"/a\",le=\"0.5\"} 4\n"
            "headroom_took_seconds_bucket{path=\"/a\",le=\"1\"} 4\n"
            "headroom_took_seconds_bucket{path=\"/a\",le=\"+Inf\"} 6\n"
            "headroom_took_seconds_sum{path=\"/a\"} 7.5\nheadroom_took_seconds_count{path=\"/a\"} 6\n");
  scrape.counter("headroom_done_total", "Done", {}, 3);
  EXPECT_THAT(scrape.take_text(), HasSubstr("# TYPE headroom_done_total counter\nheadroom_done_total 3\n"));
}

TEST(StatusMetrics, tell_conditions_with_their_reasons) {
  Exposition scrape;
  expose_conditions(scrape, "ScaleTarget", {"shop", "web"},
                    {{"Ready", false, "Contested", "", 1, {}}, {"Contested", true, "FieldContested", "", 1, {}}});
  expose_conditions(scrape, "Region", {"", "west"}, {{"Healthy", true, "ProbesPass", "", 1, {}}});
  const std::string text = scrape.take_text();
  EXPECT_THAT(
      text,
      HasSubstr(
          "headroom_condition{kind=\"ScaleTarget\",namespace=\"shop\",name=\"web\",type=\"Ready\",reason=\"Contested\"}"
          " 0\n"));
  EXPECT_THAT(text, HasSubstr("type=\"Contested\",reason=\"FieldContested\"} 1\n"));
  EXPECT_THAT(
      text, HasSubstr("headroom_condition{kind=\"Region\",name=\"west\",type=\"Healthy\",reason=\"ProbesPass\"} 1\n"));
}

TEST(StatusMetrics, tell_how_long_watches_have_been_out_of_touch) {
  const SteadyTime now = SteadyTime() + seconds(1000);
  WatchHealths healths(now - seconds(300), now);
  healths.add("deployments.apps", false, now - seconds(50));
  healths.add("pods", true, now - seconds(20));
  healths.add("pods", true, now - seconds(90));
  healths.add("pods", false, now);
  healths.add("nodes", true, std::nullopt);
  Exposition scrape;
  healths.expose(scrape, "west");
  const std::string text = scrape.take_text();
  EXPECT_THAT(text, HasSubstr("headroom_watch_stale_seconds{region=\"west\",resource=\"deployments.apps\"} 0\n"))
      << "nothing is to be heard of what does not change";
  EXPECT_THAT(text, HasSubstr("\nheadroom_watch_stale_seconds{region=\"west\",resource=\"pods\"} 90\n"));
  EXPECT_THAT(text, Not(HasSubstr("} 20\n"))) << "a series may be there only once";
  EXPECT_THAT(text, HasSubstr("resource=\"nodes\"} 300\n")) << "as long as the process runs";
}

}  // namespace
}  // namespace headroom::runtime
