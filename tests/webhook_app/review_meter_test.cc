#include "webhook/app/review_meter.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace headroom::webhook {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

/// Monotonic time moved by hand.
class SteadyByHand final : public Clock {
 public:
  absl::Time wall_now() const override { return absl::UnixEpoch(); }
  SteadyTime steady_now() const override { return now; }
  void wait_until(std::unique_lock<std::mutex>&, std::condition_variable_any&, absl::Time, std::stop_token,
                  const std::function<bool()>&) const override {}

  SteadyTime now{};
};

class Connection final : public net::ResponseSink {
 public:
  void answer(std::uint64_t turn, net::HttpResponse response) override { told.emplace_back(turn, response.status); }
  bool gone(std::uint64_t) const override { return closed; }

  std::vector<std::pair<std::uint64_t, int>> told;
  bool closed = false;
};

struct Meter : ::testing::Test {
  SteadyByHand clock;
  ReviewMeter meter{clock, {"/validate", "/validate-own"}};
  std::shared_ptr<Connection> connection = std::make_shared<Connection>();

  net::Responder review(const std::string& path = "/validate") {
    return meter.measured(path, net::Responder(connection, 7));
  }
  void answer(net::Responder responder, milliseconds after, int status = 200) {
    clock.now += after;
    net::HttpResponse response;
    response.status = status;
    responder.answer(std::move(response));
  }
  std::string shown() const {
    runtime::Exposition scrape;
    meter.expose(scrape);
    return scrape.take_text();
  }
};

TEST_F(Meter, sorts_answers_by_how_long_they_took) {
  for (const int took : {1, 2, 2, 6000}) answer(review(), milliseconds(took));
  const std::string text = shown(), latency = "controller_runtime_webhook_latency_seconds";
  for (const auto& [bound, below] : {std::pair("0.0005", 0), std::pair("0.001", 1), std::pair("0.0025", 3),
                                     std::pair("5", 3), std::pair("+Inf", 4)}) {
    EXPECT_THAT(text,
                HasSubstr(absl::StrCat(latency, "_bucket{webhook=\"/validate\",le=\"", bound, "\"} ", below, "\n")));
  }
  EXPECT_THAT(text, HasSubstr(latency + "_sum{webhook=\"/validate\"} 6.005"));
  EXPECT_THAT(text, HasSubstr(latency + "_count{webhook=\"/validate-own\"} 0\n"));
}

TEST_F(Meter, counts_statuses_what_is_dropped_and_what_comes_too_late) {
  answer(review(), milliseconds(1));
  answer(review(), milliseconds(1), 415);
  answer(review(), milliseconds(1), 418);
  { const net::Responder dropped = review(); }
  EXPECT_THAT(connection->told,
              testing::ElementsAre(std::pair(7u, 200), std::pair(7u, 415), std::pair(7u, 418), std::pair(7u, 500)));
  net::Responder late = review();
  connection->closed = true;
  EXPECT_TRUE(late.gone());
  answer(std::move(late), milliseconds(1));
  const std::string text = shown();
  for (const auto& [code, count] : {std::pair(200, 1), std::pair(400, 0), std::pair(415, 1), std::pair(500, 2)}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("controller_runtime_webhook_requests_total{webhook=\"/validate\",code=\"",
                                             code, "\"} ", count, "\n")));
  }
}

TEST_F(Meter, tells_what_waits_and_leaves_other_paths_alone) {
  std::optional<net::Responder> waiting(review("/validate-own"));
  const char* line = "controller_runtime_webhook_requests_in_flight{webhook=\"/validate-own\"} ";
  EXPECT_THAT(shown(), HasSubstr(absl::StrCat(line, "1\n")));
  waiting.reset();
  EXPECT_THAT(shown(), HasSubstr(absl::StrCat(line, "0\n")));
  answer(review("/elsewhere"), milliseconds(1));
  EXPECT_EQ(connection->told.size(), 2u);
  EXPECT_THAT(shown(), Not(HasSubstr("/elsewhere")));
}

}  // namespace
}  // namespace headroom::webhook
