// A festival on real clusters under a clock that the test moves: two control planes with their controllers, a database
// operator's stand-in, the sample as a user applies it, and the operator embedded in the test.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/app/operator.h"
#include "operator/base/clock.h"
#include "operator/kube/client.h"

namespace headroom::e2e {

/// Runs a program of the tree with a bound in seconds; its standard output. Fails the test with its messages when it
/// does not exit with 0.
std::string run(const std::string& command, int limit_seconds = 120);

/// A civil time in Kolkata: "2026-11-05 00:00:00".
absl::Time kolkata(const std::string& civil);

/// Two running clusters, mumbai (home) and chennai, shared by all tests of the program and stopped at its end.
class Clusters {
 public:
  static Clusters& instance();
  ~Clusters();

  const kube::ClusterConfig& config(const std::string& name) const { return configs_.at(name); }
  kube::Client& client(const std::string& name) const { return *clients_.at(name); }
  /// kubectl with arguments, as administrator.
  std::string kubectl(const std::string& name, const std::string& arguments) const;
  std::string program(const std::string& name) const { return prefix_ + name; }

 private:
  Clusters();
  std::string prefix_;  ///< of the clusters' names, so that test programs do not meet
  std::map<std::string, kube::ClusterConfig> configs_;
  std::map<std::string, std::shared_ptr<kube::Client>> clients_;
};

/// Polls `condition` until it holds, at most `seconds`.
bool eventually(int seconds, const std::function<bool()>& condition);

/// What a test looks at: "HPA webhook-workers" → {min, max}, "Deployment x" → {replicas}, "Cluster x" → {instances}.
struct Bounds {
  int min = 0;
  std::optional<int> max;
  bool operator==(const Bounds&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Bounds& bounds);

/// metadata and spec of every object that Headroom may touch in a namespace, without what the API server counts by
/// itself: managedFields, resourceVersion, generation.
std::map<std::string, nlohmann::json> metadata_and_spec(const std::string& cluster, const std::string& ns);

/// The operator in this process, with its own clock, against the home cluster.
class EmbeddedOperator {
 public:
  EmbeddedOperator(const FakeClock& clock, controllers::OperatorOptions options);
  ~EmbeddedOperator();
  app::Operator& get() { return *operator_; }

 private:
  std::unique_ptr<app::Operator> operator_;
};

}  // namespace headroom::e2e
