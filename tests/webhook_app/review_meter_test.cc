#include "webhook/app/review_meter.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace headroom::webhook {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

struct Meter : ::testing::Test {
  ReviewMeter meter{{"/validate", "/validate-own"}};

  static net::HttpRequest to(const std::string& target) {
    net::HttpRequest request;
    request.target = target;
    return request;
  }
  void answer(milliseconds after, int status = 200, const std::string& target = "/validate?timeout=5s") {
    meter.begins(to(target));
    meter.ends(to(target), status, after);
  }
  std::string shown() const {
    runtime::Exposition scrape;
    meter.expose(scrape);
    return scrape.take_text();
  }
};

TEST_F(Meter, sorts_answers_by_how_long_they_took) {
  for (const int took : {1, 2, 2, 6000}) answer(milliseconds(took));
  const std::string text = shown(), latency = "controller_runtime_webhook_latency_seconds";
  for (const auto& [bound, below] : {std::pair("0.0005", 0), std::pair("0.001", 1), std::pair("0.0025", 3),
                                     std::pair("5", 3), std::pair("+Inf", 4)}) {
    EXPECT_THAT(text,
                HasSubstr(absl::StrCat(latency, "_bucket{webhook=\"/validate\",le=\"", bound, "\"} ", below, "\n")));
  }
  EXPECT_THAT(text, HasSubstr(latency + "_sum{webhook=\"/validate\"} 6.005"));
  EXPECT_THAT(text, HasSubstr(latency + "_count{webhook=\"/validate-own\"} 0\n"));
}

TEST_F(Meter, counts_statuses_and_whoever_did_not_wait) {
  for (const int status : {200, 415, 418, 500, 503, 0}) answer(milliseconds(1), status);
  const std::string text = shown();
  for (const auto& [code, count] :
       {std::pair(200, 1), std::pair(400, 0), std::pair(415, 1), std::pair(500, 2), std::pair(503, 2)}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("controller_runtime_webhook_requests_total{webhook=\"/validate\",code=\"",
                                             code, "\"} ", count, "\n")));
  }
}

TEST_F(Meter, tells_what_waits_and_leaves_other_paths_alone) {
  meter.begins(to("/validate-own"));
  const char* line = "controller_runtime_webhook_requests_in_flight{webhook=\"/validate-own\"} ";
  EXPECT_THAT(shown(), HasSubstr(absl::StrCat(line, "1\n")));
  meter.ends(to("/validate-own"), 200, milliseconds(1));
  EXPECT_THAT(shown(), HasSubstr(absl::StrCat(line, "0\n")));
  answer(milliseconds(1), 404, "/elsewhere");
  EXPECT_THAT(shown(), Not(HasSubstr("/elsewhere")));
}

}  // namespace
}  // namespace headroom::webhook
