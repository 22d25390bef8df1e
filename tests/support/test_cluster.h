// A real cluster for the tests of one program, started with hack/cluster at first use.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "operator/kube/client.h"
#include "operator/kube/config.h"

namespace headroom::testing {

/// Asks `holds` every few milliseconds until it answers true; false when it has not within `at_most`. Not for what a
/// condition variable could tell.
bool eventually(std::chrono::milliseconds at_most, const std::function<bool()>& holds);

/// A namespace of one test's own, deleted at its end (without waiting for it to be gone).
class TestNamespace {
 public:
  TestNamespace(std::shared_ptr<kube::Client> client, std::string name);
  ~TestNamespace();
  TestNamespace(TestNamespace&& other) noexcept;
  TestNamespace& operator=(TestNamespace&&) = delete;
  TestNamespace(const TestNamespace&) = delete;
  TestNamespace& operator=(const TestNamespace&) = delete;

  const std::string& name() const { return name_; }

 private:
  std::shared_ptr<kube::Client> client_;  ///< null after a move
  std::string name_;
};

/// Its folder is $HEADROOM_CLUSTERS, as hack/cluster has it. A cluster of that name that runs already is used and left
/// running; one that was started here is taken down when the program ends. One thread at a time.
class TestCluster {
 public:
  /// The cluster `name`, the same object for each call of a program. `arguments` go to `hack/cluster up`. Crashes with
  /// the script's words when it cannot be had.
  static TestCluster& get(const std::string& name = "integration", const std::vector<std::string>& arguments = {});
  ~TestCluster();
  TestCluster(const TestCluster&) = delete;
  TestCluster& operator=(const TestCluster&) = delete;

  /// Administrator by client certificate.
  const std::string& kubeconfig_path() const { return kubeconfig_path_; }
  /// Administrator by bearer token.
  const std::string& token_kubeconfig_path() const { return token_kubeconfig_path_; }
  kube::ClusterConfig config() const;
  /// One for all tests: connections are kept.
  std::shared_ptr<kube::Transport> transport();
  /// Over that transport.
  std::shared_ptr<kube::Client> client(const kube::ClientLimits& limits = {});
  /// A new namespace, its default ServiceAccount not waited for.
  TestNamespace new_namespace();

  void stop_apiserver();
  /// As in a crash.
  void kill_apiserver();
  /// Returns when it is ready.
  void start_apiserver();

 private:
  explicit TestCluster(std::string name, const std::vector<std::string>& arguments);

  const std::string name_;
  bool started_here_ = false;
  std::string kubeconfig_path_, token_kubeconfig_path_;
  std::shared_ptr<kube::Transport> transport_;
  int namespaces_ = 0;
};

}  // namespace headroom::testing
