#include "tests/e2e/storm_weather.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <thread>
#include <vector>

namespace headroom::e2e {
namespace {

constexpr std::size_t kReplicas = 3;
// limits_arguments() have Leases of 3 s; 12 s later others take back what their holder had.
constexpr double kPastLease = 3.5, kLongPastLease = 6.5, kPastReclaim = 17, kLongPastReclaim = 21;

}  // namespace

StormWeather::StormWeather(const Cluster& cluster, Webhooks& webhooks, TcpProxy& proxy, std::uint64_t seed,
                           bool long_stops)
    : cluster_(cluster), webhooks_(webhooks), proxy_(proxy), random_(seed), long_stops_(long_stops) {}

void StormWeather::rage(const std::function<bool()>& over) {
  using Gust = void (StormWeather::*)();
  std::vector<Gust> kinds{&StormWeather::kill_one,       &StormWeather::stop_one,     &StormWeather::cut_one_off,
                          &StormWeather::restart_server, &StormWeather::crash_server, &StormWeather::end_one};
  if (long_stops_) {
    kinds.push_back(&StormWeather::stop_one_for_long);
    kinds.push_back(&StormWeather::kill_one_and_stop_another);
  }
  do {
    std::ranges::shuffle(kinds, random_);
    for (const Gust gust : kinds) {
      (this->*gust)();
      ++gusts_;
      all_is_well();
      last(0.2, 1);
    }
  } while (!over() && !::testing::Test::HasFatalFailure());
}

void StormWeather::tell(const std::string& what) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  std::fprintf(stderr, "%6.1f s: %s\n", seconds, what.c_str());
}

void StormWeather::last(double least_seconds, double most_seconds) {
  std::this_thread::sleep_for(
      std::chrono::duration<double>(std::uniform_real_distribution<double>(least_seconds, most_seconds)(random_)));
}

std::size_t StormWeather::any_replica() {
  return std::uniform_int_distribution<std::size_t>(0, kReplicas - 1)(random_);
}

void StormWeather::all_is_well() { EXPECT_TRUE(webhooks_.wait_ready(60)); }

void StormWeather::kill_one() {
  const std::size_t one = any_replica();
  tell(absl::StrCat("replica ", one, " is killed"));
  webhooks_.replica(one).kill_now();
  last(0, 5);
  webhooks_.restart(one);
}

void StormWeather::stop_one() {
  const std::size_t one = any_replica();
  tell(absl::StrCat("replica ", one, " stands still, longer than its Lease"));
  webhooks_.replica(one).signal(SIGSTOP);
  last(kPastLease, kLongPastLease);
  webhooks_.replica(one).signal(SIGCONT);
}

void StormWeather::stop_one_for_long() {
  const std::size_t one = any_replica();
  tell(absl::StrCat("replica ", one, " stands still until others have what it held"));
  webhooks_.replica(one).signal(SIGSTOP);
  last(kPastReclaim, kLongPastReclaim);
  webhooks_.replica(one).signal(SIGCONT);
}

void StormWeather::kill_one_and_stop_another() {
  const std::size_t one = any_replica();
  const std::size_t other = (one + 1) % kReplicas;
  tell(absl::StrCat("replica ", one, " is killed while replica ", other, " stands still"));
  webhooks_.replica(other).signal(SIGSTOP);
  last(0, 2);
  webhooks_.replica(one).kill_now();
  last(kPastLease, kLongPastLease);
  webhooks_.replica(other).signal(SIGCONT);
  webhooks_.restart(one);
}

void StormWeather::end_one() {
  const std::size_t one = any_replica();
  tell(absl::StrCat("replica ", one, " is told to end"));
  webhooks_.replica(one).signal(SIGTERM);
  EXPECT_EQ(webhooks_.replica(one).wait(30), 0) << webhooks_.replica(one).log();
  webhooks_.restart(one);
}

void StormWeather::cut_one_off() {
  tell("replica 0 is cut off from the API server");
  proxy_.hold();
  last(kPastLease, kLongPastLease);
  proxy_.release();
}

void StormWeather::restart_server() {
  tell("the API server restarts");
  cluster_.stop_apiserver();
  cluster_.start_apiserver();
}

void StormWeather::crash_server() {
  tell("the API server is killed");
  run(absl::StrCat("hack/cluster stop-apiserver ", cluster_.program_name(), " --kill"));
  last(0, 2);
  cluster_.start_apiserver();
}

}  // namespace headroom::e2e
