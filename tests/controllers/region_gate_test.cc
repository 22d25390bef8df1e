#include "operator/controllers/region_gate.h"

#include <gtest/gtest.h>

#include <vector>

namespace headroom::controllers {
namespace {

using std::chrono::seconds;

const SteadyTime kStart{seconds(1'000)};

std::vector<RegionGate::Pass> fill(RegionGate& gate, const std::string& region, SteadyTime now) {
  std::vector<RegionGate::Pass> passes;
  while (auto pass = gate.enter(region, now)) passes.push_back(*std::move(pass));
  return passes;
}

TEST(RegionGate, gives_all_workers_to_the_only_region) {
  RegionGate gate(16);
  EXPECT_EQ(fill(gate, "mumbai", kStart).size(), 16U);
}

TEST(RegionGate, keeps_a_quarter_free_where_other_regions_have_work) {
  RegionGate gate(16);
  { const auto pass = gate.enter("chennai", kStart); }
  const auto held = fill(gate, "mumbai", kStart + seconds(5));
  EXPECT_EQ(held.size(), 12U);
  EXPECT_TRUE(gate.enter("chennai", kStart + seconds(5))) << "a slow region never takes the last worker";
}

TEST(RegionGate, gives_passes_back) {
  RegionGate gate(2);
  { const auto held = fill(gate, "mumbai", kStart); }
  EXPECT_EQ(fill(gate, "mumbai", kStart).size(), 2U);
}

TEST(RegionGate, sends_one_worker_at_a_time_to_a_region_that_does_not_answer) {
  RegionGate gate(16);
  gate.enter("mumbai", kStart)->answered(false, kStart);
  EXPECT_EQ(fill(gate, "mumbai", kStart + seconds(1)).size(), 1U);
  gate.enter("mumbai", kStart + seconds(2))->answered(true, kStart + seconds(2));
  EXPECT_EQ(fill(gate, "mumbai", kStart + seconds(2)).size(), 16U) << "it answers again";
  gate.enter("mumbai", kStart + seconds(3))->answered(false, kStart + seconds(3));
  EXPECT_EQ(fill(gate, "mumbai", kStart + seconds(40)).size(), 16U) << "and is not punished for ever";
}

TEST(RegionGate, lets_a_single_worker_serve_several_regions) {
  RegionGate gate(1);
  { const auto pass = gate.enter("chennai", kStart); }
  EXPECT_EQ(fill(gate, "mumbai", kStart).size(), 1U);
}

}  // namespace
}  // namespace headroom::controllers
