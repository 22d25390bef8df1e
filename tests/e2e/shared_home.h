// One cluster, one operator on a clock that the tests move, and a namespace for each test: for tests of what Headroom
// does and says in one situation each.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/e2e/clusters.h"
#include "tests/e2e/operators.h"

namespace headroom::e2e {

/// A condition that is waited for. Each of `says` is part of its message.
struct Expected {
  std::string type, status, reason;
  std::vector<std::string> says = {};
};

/// A Deployment of idle pods; `pod` is YAML (flow style) that its pods' spec has besides the container.
std::string deployment(const std::string& name, int replicas, const std::string& pod = "");
/// An HPA without load figures: it only keeps a Deployment between its bounds.
std::string autoscaler(const std::string& name, const std::string& workload, int min, int max);
/// `spec` is what follows targetRef of a Deployment of the same name, in YAML's flow style without braces.
std::string scale_target(const std::string& name, const std::string& spec);

class SharedHome : public testing::Test {
 public:
  static Cluster& home();
  static FakeClock& clock();
  static EmbeddedOperator& headroom();

  /// The next suite's first test starts another operator.
  static void TearDownTestSuite();

 protected:
  /// A namespace named after the test.
  void SetUp() override;
  /// Deletes all that it has entered, without waiting.
  void TearDown() override;

  const std::string& ns() const { return namespace_; }
  /// From now on the test speaks of that namespace, which is made at the first time.
  void enter(const std::string& ns);

  /// Server-side apply of YAML by somebody of that name, over whatever others hold.
  void apply(const std::string& yaml, const std::string& manager = "admin") const;
  /// kubectl in the test's namespace; its output.
  std::string kubectl(const std::string& arguments) const;
  /// The message with which the API server refuses an object; fails the test when it takes it.
  std::string refusal_of(const std::string& yaml) const;

  /// A FestivalSchedule whose day 0 is `day`, now by default. `phases` in YAML's flow style; `spec` besides them.
  std::string festival(const std::string& name, const std::string& phases, const std::string& spec = "",
                       absl::Time day = clock().wall_now()) const;

  /// Waits until the field, given as a JSON pointer, is that; null stands for a field or an object that is not there.
  testing::AssertionResult becomes(const kube::ResourceType& type, const std::string& name, const std::string& field,
                                   const nlohmann::json& value) const;
  testing::AssertionResult has(const kube::ResourceType& type, const std::string& name,
                               const Expected& condition) const;
  /// Waits until it is gone or not "True".
  testing::AssertionResult lacks(const kube::ResourceType& type, const std::string& name,
                                 const std::string& condition) const;
  /// Waits for an Event about the object with that reason and these words.
  testing::AssertionResult has_event(const std::string& name, const std::string& reason, const std::string& says) const;
  /// Waits for everything that is due at the clock's time.
  testing::AssertionResult settles() const;

  /// The size of Deployments and the bounds of HPAs.
  testing::AssertionResult has_replicas(const std::string& deployment, int replicas) const;
  testing::AssertionResult has_bounds(const std::string& autoscaler, int min, int max) const;

  /// metadata and spec of all that Headroom may touch here, once the Deployments are as many as they shall be.
  std::map<std::string, nlohmann::json> workloads_at_rest() const;
  /// Makes the caches show the object anew, as any change of it does: time that only the clock knows of is then seen.
  void touch(const kube::ResourceType& type, const std::string& name) const;

 private:
  std::string namespace_;
  std::set<std::string> entered_;
};

}  // namespace headroom::e2e
