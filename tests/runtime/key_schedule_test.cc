#include "operator/runtime/key_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

WorkKey key(const std::string& name, const std::string& kind = "scale") { return {kind, {"shop", name}}; }

class KeyScheduleTest : public testing::Test {
 protected:
  void add(const std::string& name, Priority priority = Priority::High) { schedule_.add(key(name), priority, now_); }
  void add_in(const std::string& name, std::chrono::nanoseconds delay, Priority priority = Priority::High) {
    schedule_.add_at(key(name), now_ + delay, priority, now_);
  }
  std::string take() {
    const auto taken = schedule_.take(now_);
    return taken ? taken->key.object.name : "-";
  }
  std::string take_and_finish() {
    const auto taken = schedule_.take(now_);
    if (!taken) return "-";
    schedule_.done(taken->key, now_);
    return taken->key.object.name;
  }
  void done(const std::string& name) { schedule_.done(key(name), now_); }

  KeySchedule schedule_;
  SteadyTime now_{seconds(1000)};
};

TEST_F(KeyScheduleTest, hands_out_keys_in_the_order_they_came_each_once) {
  for (const char* name : {"a", "b", "a", "c", "b"}) add(name);
  EXPECT_EQ(schedule_.stats(now_).adds, 3);
  EXPECT_EQ(schedule_.stats(now_).depth, 3);
  EXPECT_EQ(take(), "a");
  EXPECT_EQ(take(), "b");
  EXPECT_EQ(take(), "c");
  EXPECT_EQ(take(), "-");
}

TEST_F(KeyScheduleTest, treats_two_tasks_of_one_object_as_two_keys) {
  schedule_.add(key("a", "scale"), Priority::High, now_);
  schedule_.add(key("a", "status"), Priority::High, now_);
  EXPECT_EQ(schedule_.take(now_)->key.kind, "scale");
  EXPECT_EQ(schedule_.take(now_)->key.kind, "status");
}

TEST_F(KeyScheduleTest, never_hands_out_a_key_that_is_in_work_and_runs_it_once_more_after) {
  add("a");
  EXPECT_EQ(take(), "a");
  add("a");
  add("a");
  EXPECT_EQ(take(), "-");
  done("a");
  EXPECT_EQ(take(), "a");
  done("a");
  EXPECT_EQ(take(), "-") << "once more, not twice";
}

TEST_F(KeyScheduleTest, keeps_a_deadline_that_comes_while_the_key_is_in_work) {
  add("a");
  take();
  add_in("a", seconds(5));
  now_ += seconds(10);
  EXPECT_EQ(take(), "-");
  done("a");
  EXPECT_EQ(take(), "a");
}

TEST_F(KeyScheduleTest, takes_low_priority_only_when_no_high_one_is_ready) {
  add("status", Priority::Low);
  for (const char* name : {"a", "b"}) add(name);
  EXPECT_EQ(take(), "a");
  EXPECT_EQ(take(), "b");
  EXPECT_EQ(take(), "status");
}

TEST_F(KeyScheduleTest, moves_a_low_key_up_when_it_is_added_with_high_priority) {
  add("x", Priority::Low);
  add("y", Priority::Low);
  add("a");
  add("y");
  EXPECT_EQ(take(), "a");
  EXPECT_EQ(take(), "y");
  EXPECT_EQ(schedule_.taken_as(key("y")), Priority::High);
  EXPECT_EQ(take(), "x");
  EXPECT_EQ(schedule_.taken_as(key("x")), Priority::Low);
}

TEST_F(KeyScheduleTest, does_not_move_a_high_key_down) {
  add("a");
  add("x", Priority::Low);
  add("a", Priority::Low);
  EXPECT_EQ(take(), "a");
}

TEST_F(KeyScheduleTest, runs_a_key_again_with_the_highest_priority_it_was_added_with_meanwhile) {
  add("a", Priority::Low);
  take();
  add("a", Priority::High);
  add("a", Priority::Low);
  add("x", Priority::Low);
  done("a");
  EXPECT_EQ(take(), "a");
}

TEST_F(KeyScheduleTest, lets_a_burst_of_a_thousand_scale_writes_win_over_status_writes) {
  for (int i = 0; i < 1000; ++i) {
    add("status-" + std::to_string(i), Priority::Low);
    add("scale-" + std::to_string(i));
  }
  for (int i = 0; i < 1000; ++i) {
    now_ += milliseconds(20);
    ASSERT_EQ(take_and_finish(), "scale-" + std::to_string(i)) << "within 20 s nothing is late";
  }
  EXPECT_EQ(take_and_finish(), "status-0");
}

TEST_F(KeyScheduleTest, lets_a_late_low_key_pass_one_for_every_ten_high_ones) {
  for (int i = 0; i < 5; ++i) add("low", Priority::Low), add("low-" + std::to_string(i), Priority::Low);
  int low = 0;
  for (int i = 0; i < 1000; ++i) {
    add("high-" + std::to_string(i));
    if (take_and_finish().starts_with("low")) ++low;
  }
  EXPECT_EQ(low, 0) << "nothing has waited for 30 s";
  now_ += kLongestLowWait;
  std::string order;
  for (int i = 0; i < 36; ++i) {
    add("high-" + std::to_string(i));
    order += take_and_finish().starts_with("low") ? 'L' : 'h';
  }
  EXPECT_EQ(order.substr(0, 34), "LhhhhhhhhhhLhhhhhhhhhhLhhhhhhhhhhL");
}

TEST_F(KeyScheduleTest, makes_a_key_ready_at_its_deadline_and_not_before) {
  add_in("a", seconds(5));
  EXPECT_EQ(schedule_.next_deadline(), now_ + seconds(5));
  EXPECT_EQ(schedule_.stats(now_).depth, 0);
  EXPECT_EQ(schedule_.stats(now_).delayed, 1);
  now_ += milliseconds(4999);
  EXPECT_EQ(take(), "-");
  now_ += milliseconds(1);
  EXPECT_EQ(take(), "a");
  EXPECT_EQ(schedule_.next_deadline(), std::nullopt);
}

TEST_F(KeyScheduleTest, lets_the_earliest_deadline_of_a_key_win) {
  add_in("a", seconds(9));
  add_in("a", seconds(5));
  add_in("a", seconds(7));
  now_ += seconds(5);
  EXPECT_EQ(take_and_finish(), "a");
  now_ += seconds(100);
  EXPECT_EQ(take_and_finish(), "-");
}

TEST_F(KeyScheduleTest, keeps_a_later_deadline_that_is_asked_for_when_an_earlier_one_has_just_come) {
  add_in("a", seconds(5));
  now_ += seconds(6);
  add_in("a", seconds(5));
  EXPECT_EQ(take_and_finish(), "a");
  EXPECT_EQ(take_and_finish(), "-");
  now_ += seconds(5);
  EXPECT_EQ(take_and_finish(), "a");
}

TEST_F(KeyScheduleTest, counts_keys_whose_deadline_has_come_as_depth_even_while_no_worker_is_free) {
  add_in("a", seconds(5));
  now_ += seconds(5);
  EXPECT_EQ(schedule_.stats(now_).depth, 1);
}

TEST_F(KeyScheduleTest, gives_a_deadline_the_highest_priority_it_was_asked_for_with) {
  add_in("a", seconds(5), Priority::Low);
  add_in("a", seconds(9), Priority::High);
  add("x", Priority::Low);
  now_ += seconds(5);
  EXPECT_EQ(take(), "a");
}

TEST_F(KeyScheduleTest, keeps_a_deadline_when_the_key_runs_before_it) {
  add_in("a", seconds(5));
  add("a");
  EXPECT_EQ(take_and_finish(), "a");
  now_ += seconds(5);
  EXPECT_EQ(take_and_finish(), "a");
}

TEST_F(KeyScheduleTest, takes_a_deadline_in_the_past_for_now) {
  add_in("a", seconds(-5));
  EXPECT_EQ(take(), "a");
}

TEST_F(KeyScheduleTest, clamps_a_deadline_to_half_a_year) {
  add_in("a", std::chrono::hours(24 * 365 * 100));
  EXPECT_EQ(schedule_.next_deadline(), now_ + kFarthestDeadline);
}

TEST_F(KeyScheduleTest, measures_waiting_from_the_add_or_the_deadline_and_work_from_the_take) {
  add("a");
  add_in("b", seconds(3));
  now_ += seconds(5);
  const auto a = schedule_.take(now_);
  const auto b = schedule_.take(now_);
  EXPECT_EQ(a->waited, seconds(5));
  EXPECT_EQ(b->waited, seconds(2));
  now_ += seconds(1);
  EXPECT_EQ(schedule_.stats(now_).processing, 2);
  EXPECT_EQ(schedule_.stats(now_).longest_running, seconds(1));
  EXPECT_EQ(schedule_.stats(now_).unfinished, seconds(2));
  EXPECT_EQ(schedule_.done(key("a"), now_), seconds(1));
  EXPECT_EQ(schedule_.done(key("a"), now_), std::nullopt) << "it is not in work any more";
  EXPECT_EQ(schedule_.stats(now_).processing, 1);
}

TEST_F(KeyScheduleTest, counts_failures_per_key_until_they_are_forgotten) {
  EXPECT_EQ(schedule_.count_failure(key("a")), 0);
  EXPECT_EQ(schedule_.count_failure(key("a")), 1);
  EXPECT_EQ(schedule_.count_failure(key("b")), 0);
  add("a");
  take_and_finish();
  EXPECT_EQ(schedule_.count_failure(key("a")), 2) << "a run alone forgets nothing";
  schedule_.forget_failures(key("a"));
  EXPECT_EQ(schedule_.count_failure(key("a")), 0);
}

/// What the schedule promises, by brute force.
class Model {
 public:
  void added(const std::string& name) { (in_work_.contains(name) ? again_ : waiting_).insert(name); }
  void delayed(const std::string& name, SteadyTime deadline) {
    const auto it = deadlines_.try_emplace(name, deadline).first;
    it->second = std::min(it->second, deadline);
  }
  void at(SteadyTime now) {
    for (auto it = deadlines_.begin(); it != deadlines_.end();) {
      if (it->second > now) {
        ++it;
        continue;
      }
      added(it->first);
      it = deadlines_.erase(it);
    }
  }
  bool may_take(const std::string& name) const { return waiting_.contains(name) && !in_work_.contains(name); }
  void taken(const std::string& name) {
    waiting_.erase(name);
    in_work_.insert(name);
  }
  void done(const std::string& name) {
    in_work_.erase(name);
    if (again_.erase(name) > 0) waiting_.insert(name);
  }
  const std::set<std::string>& waiting() const { return waiting_; }
  const std::set<std::string>& in_work() const { return in_work_; }
  std::size_t pending_deadlines() const { return deadlines_.size(); }

 private:
  std::set<std::string> waiting_, in_work_, again_;
  std::map<std::string, SteadyTime> deadlines_;
};

TEST_F(KeyScheduleTest, agrees_with_a_model_over_random_walks) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    KeySchedule schedule;
    Model model;
    for (int i = 0; i < 400; ++i) {
      const std::string name(1, static_cast<char>('a' + random() % 8));
      const Priority priority = random() % 2 == 0 ? Priority::High : Priority::Low;
      now_ += milliseconds(random() % 2000);
      model.at(now_);
      switch (random() % 5) {
        case 0:
          schedule.add(key(name), priority, now_);
          model.added(name);
          break;
        case 1: {
          const SteadyTime deadline = now_ + milliseconds(1 + random() % 20'000);
          schedule.add_at(key(name), deadline, priority, now_);
          model.delayed(name, deadline);
          break;
        }
        case 2:
        case 3:
          if (const auto taken = schedule.take(now_)) {
            ASSERT_TRUE(model.may_take(taken->key.object.name)) << "seed " << seed << " step " << i;
            model.taken(taken->key.object.name);
          } else {
            ASSERT_TRUE(model.waiting().empty()) << "seed " << seed << " step " << i;
          }
          break;
        default:
          if (!model.in_work().empty()) {
            const std::string finished = *model.in_work().begin();
            ASSERT_TRUE(schedule.done(key(finished), now_));
            model.done(finished);
          }
      }
      ASSERT_EQ(schedule.stats(now_).processing, static_cast<std::int64_t>(model.in_work().size()));
    }
    EXPECT_EQ(schedule.stats(now_).delayed, static_cast<std::int64_t>(model.pending_deadlines())) << "seed " << seed;
  }
}

}  // namespace
}  // namespace headroom::runtime
