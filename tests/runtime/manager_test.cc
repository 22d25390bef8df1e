#include "operator/runtime/manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>

#include "tests/runtime/manual_clock.h"

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

class ManagerTest : public testing::Test {
 protected:
  void add(const std::string& name, milliseconds takes = milliseconds(0), Status status = ok()) {
    manager_.add({name,
                  [this, name, status] {
                    log_.push_back("start " + name);
                    return status;
                  },
                  [this, name, takes](milliseconds left) {
                    log_.push_back("stop " + name + " within " + std::to_string(left.count()));
                    clock_.advance(takes);
                  }});
  }
  ManualClock clock_;
  std::vector<std::string> log_;
  Manager manager_{clock_};
};

TEST_F(ManagerTest, starts_in_order_and_stops_in_reverse_within_one_deadline) {
  add("server", milliseconds(10));
  add("caches", milliseconds(900));
  add("controllers", milliseconds(300));
  ASSERT_TRUE(manager_.start(milliseconds(1000)));
  manager_.stop(milliseconds(1000));
  manager_.stop(milliseconds(1000));
  EXPECT_THAT(log_, ElementsAre("start server", "start caches", "start controllers", "stop controllers within 1000",
                                "stop caches within 700", "stop server within 0"));
}

TEST_F(ManagerTest, stops_what_it_started_when_a_component_fails) {
  add("server");
  add("caches", milliseconds(0), invalid("no such CRD"));
  add("controllers");
  const Status status = manager_.start(milliseconds(500));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "caches: no such CRD");
  EXPECT_THAT(log_, ElementsAre("start server", "start caches", "stop server within 500"));
}

TEST(TerminationSignals, turn_a_signal_to_the_process_into_a_stop) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const TerminationSignals signals;
    EXPECT_FALSE(signals.token().stop_requested());
    ASSERT_EQ(kill(getpid(), signal), 0);
    signals.wait();
    EXPECT_TRUE(signals.token().stop_requested());
  }
}

TEST(TerminationSignals, end_without_a_signal) {
  TerminationSignals signals;
  signals.request_stop();
  signals.wait();
  EXPECT_TRUE(signals.token().stop_requested());
}

TEST(TerminationSignalsDeathTest, end_the_process_at_the_second_signal) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        const TerminationSignals signals;
        kill(getpid(), SIGTERM);
        signals.wait();
        kill(getpid(), SIGTERM);
        for (;;) pause();
      },
      testing::ExitedWithCode(1), "second signal");
}

}  // namespace
}  // namespace headroom::runtime
