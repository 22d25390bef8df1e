// The agents' regions on API servers of their own, as their samples' README has a user apply them.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/clusters.h"
#include "tests/e2e/operators.h"

namespace headroom::e2e {

/// What a region has to offer and to write, by hand.
struct RegionRow {
  const char* name;
  std::map<std::string, double> capacity;
  std::vector<std::string> laws;
  const char* residency;
  std::map<std::string, std::string> parameters;
};

/// Pods and autoscalers of us-east-1, eu-west-1 and ap-south-1 are real. In the other regions the test plays the
/// controller of Deployments, and so says when a region is ready.
class AgentRegions : public ::testing::Test {
 protected:
  static constexpr char kNamespace[] = "agents";

  /// The operator's home, which is us-east-1 as well.
  static Cluster& home() { return Cluster::named("us-east-1"); }
  static Cluster& cluster(const std::string& region) { return Cluster::named(region); }
  static bool is_played(const std::string& region);

  /// As the sample's README says. Returns when every Deployment is ready at the size that it asks for.
  void apply_sample(const std::string& sample, const std::vector<std::string>& regions);
  /// Takes everything out again; what Headroom made and wrote has to go with its ScaleTargets.
  void remove_sample();

  static nlohmann::json deployment(const std::string& region);
  static int replicas(const std::string& region);
  /// Reports so many replicas as ready, in a region that is played.
  static void play(const std::string& region, int ready);

  static nlohmann::json status_of(const kube::ResourceType& type, const std::string& name);
  /// Empty where there is none of that type.
  static nlohmann::json condition(const kube::ResourceType& type, const std::string& name, const std::string& kind);
  static bool is_ready(const kube::ResourceType& type, const std::string& name);
  /// Sum of a dimension over all regions: "hard" or "planned".
  double total(const std::string& dimension, const char* figure) const;

  static void expect_region(const RegionRow& row);
  /// A target whose region fulfils what it requires.
  static void expect_placed(const std::string& target);
  /// Not ready until something changes, for a reason that names the region and all of `missing`.
  static void expect_refused(const std::string& target, const std::string& region,
                             const std::vector<std::string>& missing);
  static void settle(EmbeddedOperator& headroom);

  std::map<std::string, std::map<std::string, nlohmann::json>> before_;  ///< by region, once the sample was applied

 private:
  std::string sample_;
  std::vector<std::string> regions_;
};

}  // namespace headroom::e2e
