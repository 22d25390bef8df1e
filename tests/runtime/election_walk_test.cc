// Two or three electors with clocks of their own, a network that delays, loses and delivers late, processes that stop,
// die and come back. Never may two of them believe in their lease at once.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "operator/runtime/leader_election.h"

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

using TrueTime = double;  ///< seconds

struct Weather {
  double slowest_clock = 0.85, fastest_clock = 1.2;  ///< 1.2 / 0.85 < lease / renew deadline
  TrueTime storm = 120;                              ///< how long requests fail; calm afterwards
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, Weather weather) : weather_(weather), random_(seed) {
    const int electors = 2 + static_cast<int>(random_() % 2);
    for (int i = 0; i < electors; ++i) start_elector();
  }

  /// Runs until `end`; false as soon as two hold the lease.
  bool run_until(TrueTime end) {
    while (!events_.empty() && events_.top().at <= end) {
      Event event = events_.top();
      events_.pop();
      now_ = event.at;
      event.run();
      if (holders() > 1) return false;
    }
    now_ = end;
    return holders() <= 1;
  }
  int holders() const {
    int count = 0;
    for (const Elector& elector : electors_) count += holds(elector) ? 1 : 0;
    return count;
  }
  int terms() const { return terms_; }

 private:
  struct Elector {
    std::string identity;
    double offset = 0, rate = 1;
    ElectionState state = Follower{};
    bool dead = false;
    int call = 0;  ///< answers to any other are too late
  };
  struct Event {
    TrueTime at;
    std::uint64_t order;
    std::function<void()> run;
    bool operator<(const Event& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };

  bool chance(int percent) { return random_() % 100 < static_cast<unsigned>(percent); }
  bool stormy() const { return now_ < weather_.storm; }
  double between(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }
  void at(TrueTime when, std::function<void()> run) { events_.push({when, order_++, std::move(run)}); }

  SteadyTime local(const Elector& elector) const {
    return SteadyTime(nanoseconds(static_cast<std::int64_t>((elector.offset + elector.rate * now_) * 1e9)));
  }
  ElectionOptions options(const Elector& elector) const {
    return {"ns", "lease", elector.identity, seconds(15), seconds(10), seconds(2)};
  }
  bool holds(const Elector& elector) const {
    const auto* leading = std::get_if<Leading>(&elector.state);
    return !elector.dead && leading != nullptr && local(elector) < leading->valid_from + seconds(10);
  }

  void start_elector() {
    electors_.push_back({"e" + std::to_string(electors_.size()), between(0, 1e5),
                         between(weather_.slowest_clock, weather_.fastest_clock)});
    const std::size_t i = electors_.size() - 1;
    at(now_ + between(0, 3), [this, i] { turn(i); });
  }

  void die(std::size_t i) {
    if (electors_[i].dead) return;
    electors_[i].dead = true;
    at(now_ + between(0, 20), [this] { start_elector(); });
  }

  void turn(std::size_t i) {
    if (electors_[i].dead) return;
    if (stormy() && chance(2)) return die(i);
    if (stormy() && chance(2)) return resign(i);
    feed(i, Tick{});
    double pause = 2.0 / electors_[i].rate * (1 + between(0, 0.2));
    if (stormy() && chance(5)) pause += between(0, 40);  // a process that was stopped or starved
    at(now_ + pause, [this, i] { turn(i); });
  }

  /// Work has ended, nothing is held any more, and only then the lease is given back.
  void resign(std::size_t i) {
    const auto* leading = std::get_if<Leading>(&electors_[i].state);
    const std::optional<LeaseRecord> held =
        leading && holds(electors_[i]) ? std::optional(leading->held) : std::nullopt;
    die(i);
    if (!held) return;
    at(now_ + between(0, 30), [this, held = *held] {
      if (lease_ && lease_->resource_version == held.resource_version) write("", lease_->transitions);
    });
  }

  void feed(std::size_t i, const ElectionInput& input) {
    ElectionStep step = elect(electors_[i].state, input, local(electors_[i]), options(electors_[i]));
    electors_[i].state = std::move(step.state);
    for (const ElectionOutput& output : step.outputs) {
      if (std::holds_alternative<BecameLeader>(output)) ++terms_;
      if (std::holds_alternative<LostLeadership>(output)) die(i);
      if (std::holds_alternative<ReadLease>(output)) {
        call(i, ReadFailed{}, [this] { return ElectionInput(ReadResult{lease_}); });
      } else if (std::holds_alternative<CreateLease>(output)) {
        call(i, WriteFailed{}, [this, i, sent = local(electors_[i])] {
          if (lease_) return ElectionInput(WriteConflicted{});
          write(electors_[i].identity, 0);
          return ElectionInput(WriteLanded{*lease_, sent});
        });
      } else if (const auto* acquire = std::get_if<AcquireLease>(&output)) {
        put(i, acquire->on, acquire->on.transitions + 1);
      } else if (const auto* renew = std::get_if<RenewLease>(&output)) {
        put(i, renew->on, renew->on.transitions);
      }
    }
  }

  void put(std::size_t i, const LeaseRecord& on, int transitions) {
    call(i, WriteFailed{}, [this, i, on, transitions, sent = local(electors_[i])] {
      if (!lease_ || lease_->resource_version != on.resource_version) return ElectionInput(WriteConflicted{});
      write(electors_[i].identity, transitions);
      return ElectionInput(WriteLanded{*lease_, sent});
    });
  }

  void write(const std::string& holder, int transitions) {
    ++version_;
    lease_ = LeaseRecord{holder, "v" + std::to_string(version_), seconds(15), transitions, std::to_string(version_)};
  }

  /// A request: it may never arrive, arrive after its sender gave up, or have its answer lost.
  void call(std::size_t i, const ElectionInput& failure, std::function<ElectionInput()> serve) {
    const int number = ++electors_[i].call;
    const auto answer = [this, i, number](const ElectionInput& input) {
      if (electors_[i].dead || electors_[i].call != number) return;
      ++electors_[i].call;
      feed(i, input);
    };
    at(now_ + 5.0 / electors_[i].rate, [answer, failure] { answer(failure); });
    if (stormy() && chance(15)) return;
    const double there = stormy() && chance(20) ? between(0, 60) : between(0, 0.2);
    const bool lost = stormy() && chance(15);
    const double back = stormy() && chance(20) ? between(0, 8) : between(0, 0.2);
    at(now_ + there, [this, answer, lost, back, serve = std::move(serve)] {
      const ElectionInput input = serve();
      if (!lost) at(now_ + back, [answer, input] { answer(input); });
    });
  }

  const Weather weather_;
  std::mt19937_64 random_;
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0;
  TrueTime now_ = 0;
  std::vector<Elector> electors_;
  std::optional<LeaseRecord> lease_;
  int version_ = 0;
  int terms_ = 0;
};

TEST(ElectionWalk, never_lets_two_hold_the_lease_and_always_finds_a_leader_again) {
  int terms = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Simulation simulation(seed, {});
    ASSERT_TRUE(simulation.run_until(120)) << "two leaders, seed " << seed;
    ASSERT_TRUE(simulation.run_until(200)) << "two leaders, seed " << seed;
    ASSERT_EQ(simulation.holders(), 1) << "nobody leads 80 s after the storm, seed " << seed;
    terms += simulation.terms();
  }
  EXPECT_GT(terms, 2500) << "leadership has to change hands for this to mean anything";
}

TEST(ElectionWalk, shows_two_holders_where_clocks_differ_more_than_lease_to_deadline_allows) {
  int violations = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Simulation simulation(seed, {.slowest_clock = 0.3, .fastest_clock = 3});
    if (!simulation.run_until(300)) ++violations;
  }
  EXPECT_GT(violations, 0) << "the simulation would not notice";
}

}  // namespace
}  // namespace headroom::runtime
