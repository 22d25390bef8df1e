#include "webhook/app/flow_report.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "tests/webhook_app/a_limit.h"

namespace headroom::webhook {
namespace {

using limits::kOneWrite;

FlowPeak peak(const std::string& uid, int in_progress, int lately, int max = 100) {
  const nlohmann::json spec = {{"concurrency", {{"max", max}}}, {"rate", {{"writesPerSecond", 100}}}};
  return {std::make_shared<const limits::CompiledLimit>(1, a_limit("files", spec, uid), std::vector<limits::TypeId>{1},
                                                        std::vector<std::string>(), std::vector<std::string>(), 2),
          {in_progress * kOneWrite, lately * kOneWrite}};
}

TEST(FlowReport, is_read_as_it_was_written) {
  const FlowReport report = FlowReport::of({peak("u-1", 3, 40), peak("u-2", 0, 7)});
  EXPECT_EQ(report.text(), "u-1=3/40,u-2=0/7");
  EXPECT_EQ(FlowReport::parse(report.text()), report);
  EXPECT_EQ(FlowReport::of({}).text(), "");
  EXPECT_EQ(FlowReport::parse(""), FlowReport());
}

TEST(FlowReport, takes_nothing_from_what_is_not_of_its_form) {
  const FlowReport read = FlowReport::parse("u-1=3/x,u-2=-1/4,=1/1,u-3,u-4=5,u-5=99999999999/1,u-6=1/2");
  EXPECT_EQ(read.text(), "u-6=1/2");
}

TEST(FlowReport, of_too_many_limits_names_the_fullest) {
  std::vector<FlowPeak> peaks;
  for (int i = 0; i < 2000; ++i) peaks.push_back(peak(absl::StrCat("u-", i), i % 2 == 0 ? 90 : 10, 1));
  const FlowReport report = FlowReport::of(peaks);
  EXPECT_EQ(report.peaks.size(), 1000u);
  EXPECT_LT(report.text().size(), 64u << 10);
  for (const auto& [uid, amounts] : report.peaks) EXPECT_EQ(amounts[limits::kConcurrency], 90 * kOneWrite) << uid;
}

TEST(FlowReport, of_all_replicas_adds_up_to_what_the_status_shows) {
  using Kind = api::LimitDimension::Kind;
  const auto limit =
      a_limit("files", {{"concurrency", {{"max", 10}}}, {"rate", {{"writesPerSecond", 1000}, {"burst", 50}}}}, "u-1");
  const struct {
    const char* what;
    std::vector<FlowReport> replicas;
    int in_progress, per_second;
  } table[] = {
      {"nobody used any", {}, 0, 0},
      {"two did", {FlowReport::parse("u-1=3/10"), FlowReport::parse("u-2=9/9,u-1=1/2")}, 4, 240},
      {"at different times", {FlowReport::parse("u-1=8/40"), FlowReport::parse("u-1=8/40")}, 10, 1000},
  };
  for (const auto& row : table) {
    EXPECT_EQ(flow_used(*limit, Kind::Concurrency, row.replicas), Quantity::from_int(row.in_progress)) << row.what;
    EXPECT_EQ(flow_used(*limit, Kind::Rate, row.replicas), Quantity::from_int(row.per_second)) << row.what;
  }
  EXPECT_EQ(flow_used(*a_limit("other"), Kind::Rate, {FlowReport::parse("u-1=1/1")}), Quantity());
}

}  // namespace
}  // namespace headroom::webhook
