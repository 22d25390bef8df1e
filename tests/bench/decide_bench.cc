// How long one decision takes: targets x schedules of one namespace, every schedule speaking to every target through
// labels, most of them with a warm-up. Google Benchmark; see hack/bench.
#include <benchmark/benchmark.h>

#include <string>

#include "operator/plan/decide.h"
#include "operator/plan/readiness.h"
#include "tests/support/builders.h"
#include "tests/support/civil.h"

namespace headroom::plan {
namespace {

using testing_support::a_festival;
using testing_support::a_target;
using testing_support::ist;
using testing_support::labelled;
using testing_support::World;

/// `spread`: schedules begin on successive days; otherwise all at once, so that all of them speak.
World crowd(int targets, int schedules, bool spread) {
  World world(ist("2026-11-01"));
  for (int t = 0; t < targets; ++t) {
    world.add(a_target("target-" + std::to_string(t))
                  .min(2)
                  .max(200)
                  .baseline(10)
                  .label("app.kubernetes.io/name", "target-" + std::to_string(t))
                  .label("app.kubernetes.io/part-of", "shop")
                  .label("app.kubernetes.io/managed-by", "helm")
                  .label("tier", t % 3 == 0 ? "erp" : "web")
                  .consumes("pods", "1")
                  .warm_up(t % 4 == 0 ? absl::ZeroDuration() : absl::Minutes(t % 30)));
  }
  api::RegionSpec region;
  region.capacity.push_back({"pods", Quantity::from_int(targets * 40), ""});
  world.add_region("local", region);
  for (int s = 0; s < schedules; ++s) {
    const absl::CivilDay day = testing_support::day("2026-11-08") + (spread ? s : 0);
    world.add(a_festival("festival-" + std::to_string(s))
                  .day(absl::FormatCivilTime(day))
                  .wave("databases", testing_support::with_role(api::Role::ReadReplica))
                  .phase("t-3", "-P3D", "-P1D")
                  .multiply(labelled("tier", "web"), "2")
                  .phase("t-1", "-P1D", "P0D")
                  .multiply(labelled("tier", "web"), "5")
                  .multiply(labelled("tier", "erp"), "3")
                  .phase("d-day", "P0D", "P2D")
                  .multiply(labelled("tier", "web"), "10")
                  .multiply(labelled("tier", "erp"), "3")
                  .phase("cool-down", "P2D", "P3D")
                  .decay(labelled("tier", "web"), "10")
                  .decay(labelled("tier", "erp"), "10"));
  }
  return world;
}

void measure(benchmark::State& state, bool spread, absl::Time now) {
  const World world = crowd(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)), spread);
  const DecideInput input = world.input(now);
  for (auto _ : state) benchmark::DoNotOptimize(decide(input));
}

void quiet(benchmark::State& state) { measure(state, true, ist("2026-11-02 12:00")); }
void one_festival_in_force(benchmark::State& state) { measure(state, true, ist("2026-11-08 12:00")); }
void all_festivals_at_once(benchmark::State& state) { measure(state, false, ist("2026-11-08 12:00")); }
void all_decaying_at_once(benchmark::State& state) { measure(state, false, ist("2026-11-10 03:30")); }

void risks(benchmark::State& state) {
  const World world = crowd(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)), true);
  const DecideInput input = world.input(ist("2026-11-07 12:00"));
  const DecideResult result = decide(input);
  std::vector<TargetConstraints> constraints(input.targets.size());
  for (TargetConstraints& one : constraints) one.node_replicas_left = 50;
  for (auto _ : state) benchmark::DoNotOptimize(assess_risks(input, result, constraints));
}

BENCHMARK(quiet)->Args({1000, 50})->Args({10000, 50})->Unit(benchmark::kMillisecond);
BENCHMARK(one_festival_in_force)->Args({1000, 50})->Args({10000, 50})->Unit(benchmark::kMillisecond);
BENCHMARK(all_festivals_at_once)->Args({1000, 50})->Args({10000, 50})->Unit(benchmark::kMillisecond);
BENCHMARK(all_decaying_at_once)->Args({1000, 50})->Args({10000, 50})->Unit(benchmark::kMillisecond);
BENCHMARK(risks)->Args({1000, 50})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace headroom::plan

BENCHMARK_MAIN();
