#include "operator/runtime/controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>

#include "tests/runtime/eventually.h"

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

const WorkKey kCart{"scale", {"shop", "cart"}};

class ControllerTest : public testing::Test {
 protected:
  void make(
      Reconciler reconciler, std::function<bool()> synced = [] { return true; }) {
    options_.name = "scaletarget";
    options_.object_kind = "ScaleTarget";
    options_.retry = Backoff{milliseconds(1), 1, milliseconds(1), 0};
    controller_ = std::make_unique<Controller>(
        options_,
        [this, reconciler = std::move(reconciler)](const WorkKey& key, const std::string& id, std::stop_token stop) {
          ++runs_;
          return reconciler(key, id, stop);
        },
        std::move(synced), clock_, metrics_, 3);
  }
  bool ran(int times) {
    return eventually([&] { return runs_ >= times && controller_->queue().stats().processing == 0; });
  }

  SystemClock clock_;
  Metrics metrics_;
  ControllerOptions options_;
  std::atomic<int> runs_{0};
  std::unique_ptr<Controller> controller_;
};

TEST_F(ControllerTest, reconciles_a_key_once_and_is_content) {
  make([](const WorkKey& key, const std::string&, std::stop_token) -> Result<ReconcileResult> {
    EXPECT_EQ(key, kCart);
    return ReconcileResult{};
  });
  controller_->start();
  controller_->queue().add(kCart);
  ASSERT_TRUE(ran(1));
  const std::string metrics = metrics_.serialize();
  EXPECT_THAT(metrics,
              HasSubstr("controller_runtime_reconcile_total{controller=\"scaletarget\",result=\"success\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("controller_runtime_reconcile_time_seconds_count{controller=\"scaletarget\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("workqueue_adds_total{controller=\"scaletarget\",name=\"scaletarget\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("workqueue_queue_duration_seconds_count{"));
  EXPECT_THAT(metrics, HasSubstr("workqueue_work_duration_seconds_count{"));
}

TEST_F(ControllerTest, gives_every_run_an_id_of_its_own) {
  std::mutex mutex;
  std::set<std::string> ids;
  make([&](const WorkKey&, const std::string& id, std::stop_token) -> Result<ReconcileResult> {
    std::lock_guard lock(mutex);
    ids.insert(id);
    return ReconcileResult{};
  });
  controller_->start();
  for (int i = 0; i < 100; ++i) controller_->queue().add({"scale", {"shop", std::to_string(i)}});
  ASSERT_TRUE(ran(100));
  EXPECT_EQ(ids.size(), 100u);
  EXPECT_THAT(*ids.begin(), testing::MatchesRegex("[0-9a-f]+-[0-9a-f]+-4[0-9a-f]+-[89ab][0-9a-f]+-[0-9a-f]+"));
  EXPECT_EQ(ids.begin()->size(), 36u);
}

TEST_F(ControllerTest, starts_its_workers_only_when_the_caches_are_filled) {
  std::atomic<bool> filled{false}, seen_unfilled{false};
  std::atomic<int> asked{0};
  make(
      [&](const WorkKey&, const std::string&, std::stop_token) -> Result<ReconcileResult> {
        if (!filled) seen_unfilled = true;
        return ReconcileResult{};
      },
      [&] {
        ++asked;
        return filled.load();
      });
  controller_->queue().add(kCart);
  controller_->start();
  ASSERT_TRUE(eventually([&] { return asked >= 2; }));
  EXPECT_FALSE(controller_->running());
  EXPECT_EQ(runs_, 0);
  filled = true;
  ASSERT_TRUE(ran(1));
  EXPECT_TRUE(controller_->running());
  EXPECT_FALSE(seen_unfilled);
}

TEST_F(ControllerTest, says_once_when_the_caches_are_late_and_goes_on_when_they_come) {
  std::atomic<bool> filled{false};
  std::atomic<int> late{0}, asked{0};
  options_.sync_timeout = milliseconds(1);
  options_.on_sync_timeout = [&] { ++late; };
  make([](const WorkKey&, const std::string&, std::stop_token) -> Result<ReconcileResult> { return ReconcileResult{}; },
       [&] {
         ++asked;
         return filled.load();
       });
  controller_->queue().add(kCart);
  controller_->start();
  ASSERT_TRUE(eventually([&] { return asked >= 4; }));
  EXPECT_EQ(late, 1);
  filled = true;
  EXPECT_TRUE(ran(1));
}

TEST_F(ControllerTest, retries_an_error_with_back_off_until_it_succeeds) {
  make([&](const WorkKey&, const std::string&, std::stop_token) -> Result<ReconcileResult> {
    if (runs_ < 4) return Error{ErrorCode::Conflict, "changed meanwhile", 409, {}};
    return ReconcileResult{};
  });
  controller_->start();
  controller_->queue().add(kCart);
  ASSERT_TRUE(ran(4));
  const std::string metrics = metrics_.serialize();
  EXPECT_THAT(metrics, HasSubstr("controller_runtime_reconcile_total{controller=\"scaletarget\",result=\"error\"} 3"));
  EXPECT_THAT(metrics, HasSubstr("controller_runtime_reconcile_errors_total{controller=\"scaletarget\"} 3"));
  EXPECT_THAT(metrics, HasSubstr("controller_runtime_terminal_reconcile_errors_total{controller=\"scaletarget\"} 0"));
  EXPECT_THAT(metrics, HasSubstr("workqueue_retries_total{controller=\"scaletarget\",name=\"scaletarget\"} 3"));
}

TEST_F(ControllerTest, keeps_the_priority_of_a_key_over_its_retries) {
  make([&](const WorkKey& key, const std::string&, std::stop_token) -> Result<ReconcileResult> {
    EXPECT_EQ(controller_->queue().taken_as(key), Priority::Low);
    if (runs_ < 2) return Error{ErrorCode::Unavailable, "no", 0, {}};
    if (runs_ < 3) return ReconcileResult{milliseconds(1)};
    return ReconcileResult{};
  });
  controller_->start();
  controller_->queue().add(kCart, Priority::Low);
  EXPECT_TRUE(ran(3));
}

TEST_F(ControllerTest, does_not_retry_what_no_retry_mends) {
  make([](const WorkKey&, const std::string&, std::stop_token) -> Result<ReconcileResult> {
    return ReconcileResult{milliseconds(1), true, "spec.timeZone is not a zone"};
  });
  controller_->start();
  controller_->queue().add(kCart);
  ASSERT_TRUE(ran(1));
  EXPECT_EQ(controller_->queue().stats().delayed, 0);
  const std::string metrics = metrics_.serialize();
  EXPECT_THAT(metrics, HasSubstr("controller_runtime_terminal_reconcile_errors_total{controller=\"scaletarget\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("controller_runtime_reconcile_errors_total{controller=\"scaletarget\"} 1"));
}

TEST_F(ControllerTest, runs_a_key_again_after_the_time_it_asked_for) {
  make([&](const WorkKey&, const std::string&, std::stop_token) -> Result<ReconcileResult> {
    if (runs_ < 3) return ReconcileResult{milliseconds(2)};
    return ReconcileResult{};
  });
  controller_->start();
  controller_->queue().add(kCart);
  ASSERT_TRUE(ran(3));
  EXPECT_THAT(metrics_.serialize(),
              HasSubstr("controller_runtime_reconcile_total{controller=\"scaletarget\",result=\"requeue_after\"} 2"));
}

TEST_F(ControllerTest, survives_exceptions_of_the_reconciler_and_counts_them_as_errors) {
  make([&](const WorkKey&, const std::string&, std::stop_token) -> Result<ReconcileResult> {
    if (runs_ == 1) throw std::runtime_error("out of range");
    if (runs_ == 2) throw 7;
    return ReconcileResult{};
  });
  controller_->start();
  controller_->queue().add(kCart);
  ASSERT_TRUE(ran(3));
  const std::string metrics = metrics_.serialize();
  EXPECT_THAT(metrics, HasSubstr("controller_runtime_reconcile_panics_total{controller=\"scaletarget\"} 2"));
  EXPECT_THAT(metrics, HasSubstr("controller_runtime_reconcile_errors_total{controller=\"scaletarget\"} 2"));
}

TEST_F(ControllerTest, never_reconciles_one_key_twice_at_once) {
  std::atomic<int> inside{0}, most{0};
  make([&](const WorkKey&, const std::string&, std::stop_token) -> Result<ReconcileResult> {
    most = std::max(most.load(), ++inside);
    std::this_thread::yield();
    --inside;
    return ReconcileResult{};
  });
  controller_->start();
  for (int i = 0; i < 2000; ++i) controller_->queue().add(kCart);
  ASSERT_TRUE(eventually([&] { return controller_->queue().stats().depth == 0; }));
  controller_->stop(seconds(20));
  EXPECT_EQ(most, 1);
}

TEST_F(ControllerTest, reconciles_different_keys_side_by_side_up_to_its_workers) {
  options_.workers = 3;
  std::atomic<int> inside{0};
  std::atomic<bool> open{false};
  make([&](const WorkKey&, const std::string&, std::stop_token) -> Result<ReconcileResult> {
    ++inside;
    eventually([&] { return open.load(); });
    return ReconcileResult{};
  });
  controller_->start();
  for (int i = 0; i < 5; ++i) controller_->queue().add({"scale", {"shop", std::to_string(i)}});
  ASSERT_TRUE(eventually([&] { return inside == 3; }));
  EXPECT_EQ(controller_->queue().stats().depth, 2);
  EXPECT_THAT(metrics_.serialize(), HasSubstr("controller_runtime_active_workers{controller=\"scaletarget\"} 3"));
  EXPECT_THAT(metrics_.serialize(), HasSubstr("workqueue_depth{controller=\"scaletarget\",name=\"scaletarget\"} 2"));
  open = true;
  EXPECT_TRUE(ran(5));
  EXPECT_TRUE(eventually([&] {
    return metrics_.serialize().find("controller_runtime_active_workers{controller=\"scaletarget\"} 0") !=
           std::string::npos;
  }));
}

TEST_F(ControllerTest, lets_a_running_reconcile_finish_when_it_stops_and_starts_no_other) {
  std::atomic<bool> started{false}, finish{false}, finished{false}, interrupted{false};
  options_.workers = 1;
  make([&](const WorkKey&, const std::string&, std::stop_token stop) -> Result<ReconcileResult> {
    started = true;
    eventually([&] { return finish.load(); });
    interrupted = stop.stop_requested();
    finished = true;
    return ReconcileResult{};
  });
  controller_->start();
  controller_->queue().add(kCart);
  ASSERT_TRUE(eventually([&] { return started.load(); }));
  controller_->queue().add({"scale", {"shop", "search"}});
  std::jthread stopper([&] { controller_->stop(seconds(20)); });
  ASSERT_TRUE(eventually([&] { return !controller_->running(); }));
  finish = true;
  stopper.join();
  EXPECT_TRUE(finished);
  EXPECT_FALSE(interrupted);
  EXPECT_EQ(runs_, 1);
}

TEST_F(ControllerTest, interrupts_a_reconcile_that_outlives_the_drain) {
  std::atomic<bool> started{false};
  make([&](const WorkKey&, const std::string&, std::stop_token stop) -> Result<ReconcileResult> {
    started = true;
    eventually([&] { return stop.stop_requested(); });
    return Error{ErrorCode::Cancelled, "stopped", 0, {}};
  });
  controller_->start();
  controller_->queue().add(kCart);
  ASSERT_TRUE(eventually([&] { return started.load(); }));
  controller_->stop(milliseconds(1));
  EXPECT_THAT(metrics_.serialize(),
              HasSubstr("controller_runtime_reconcile_errors_total{controller=\"scaletarget\"} 0"))
      << "being interrupted is no error";
}

TEST_F(ControllerTest, stops_while_it_still_waits_for_its_caches) {
  make([](const WorkKey&, const std::string&, std::stop_token) -> Result<ReconcileResult> { return ReconcileResult{}; },
       [] { return false; });
  controller_->start();
  controller_.reset();
  EXPECT_EQ(runs_, 0);
}

}  // namespace
}  // namespace headroom::runtime
