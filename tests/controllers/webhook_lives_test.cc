#include "operator/controllers/webhook_lives.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace headroom::controllers {
namespace {

nlohmann::json lease(const std::string& name, const std::string& renewed, int life = 15) {
  return {{"metadata", {{"namespace", "headroom-system"}, {"name", name}}},
          {"spec", {{"renewTime", renewed}, {"leaseDurationSeconds", life}}}};
}

/// Monotonic time by hand.
class SteppedClock final : public Clock {
 public:
  void advance(int seconds) { now_ += std::chrono::seconds(seconds); }
  absl::Time wall_now() const override { return absl::UnixEpoch(); }
  SteadyTime steady_now() const override { return now_; }
  void wait_until(std::unique_lock<std::mutex>&, std::condition_variable_any&, absl::Time, std::stop_token,
                  const std::function<bool()>&) const override {}

 private:
  SteadyTime now_{};
};

class WebhookLivesTest : public ::testing::Test {
 protected:
  bool alive() const { return clock_.steady_now() < lives_.alive_until(); }

  SteppedClock clock_;
  WebhookLives lives_{clock_};
  const std::unique_ptr<runtime::ObjectSink> sink_ = lives_.sink();
};

TEST_F(WebhookLivesTest, has_the_time_of_a_Lease_and_a_third_to_show_itself) {
  EXPECT_TRUE(alive());
  clock_.advance(19);
  EXPECT_TRUE(alive());
  clock_.advance(1);
  EXPECT_FALSE(alive());
}

TEST_F(WebhookLivesTest, is_known_with_the_first_renewal_or_when_there_was_time_for_one) {
  EXPECT_FALSE(lives_.known());
  sink_->listed(lease("a", "1"));
  sink_->commit_listed();
  EXPECT_FALSE(lives_.known()) << "it may have been left behind";
  sink_->applied(lease("a", "2"));
  EXPECT_TRUE(lives_.known());
  lives_.begin_anew();
  EXPECT_FALSE(lives_.known());
  clock_.advance(20);
  EXPECT_TRUE(lives_.known());
  EXPECT_FALSE(alive());
}

TEST_F(WebhookLivesTest, goes_on_with_each_renewal_of_any_of_them) {
  sink_->listed(lease("a", "1"));
  sink_->listed(lease("b", "1"));
  sink_->commit_listed();
  for (int i = 0; i < 10; ++i) {
    clock_.advance(10);
    sink_->applied(lease(i % 2 == 0 ? "a" : "b", std::to_string(i + 2)));
    ASSERT_TRUE(alive());
  }
  clock_.advance(20);
  EXPECT_FALSE(alive());
}

TEST_F(WebhookLivesTest, is_not_shown_by_a_Lease_that_was_left_behind) {
  clock_.advance(20);
  sink_->listed(lease("a", "1"));
  sink_->commit_listed();
  EXPECT_FALSE(alive());
  sink_->applied(lease("a", "1"));
  EXPECT_FALSE(alive()) << "something else of it was changed";
  sink_->applied(lease("a", "2"));
  EXPECT_TRUE(alive());
}

TEST_F(WebhookLivesTest, is_shown_by_a_Lease_that_is_new_and_by_what_a_later_list_finds_renewed) {
  clock_.advance(20);
  sink_->applied(lease("a", "1", 3));
  EXPECT_TRUE(alive());
  clock_.advance(4);
  EXPECT_FALSE(alive()) << "a Lease of three seconds";
  sink_->listed(lease("a", "2", 3));
  sink_->commit_listed();
  EXPECT_TRUE(alive());
}

TEST_F(WebhookLivesTest, is_waited_for_anew_by_whoever_begins_to_lead) {
  clock_.advance(100);
  EXPECT_FALSE(alive());
  lives_.begin_anew();
  EXPECT_TRUE(alive());
}

}  // namespace
}  // namespace headroom::controllers
