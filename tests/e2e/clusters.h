// Real control planes with their controllers, for the tests of one program.
#pragma once

#include <absl/time/time.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/kube/client.h"
#include "operator/kube/config.h"
#include "tests/e2e/chart_rights.h"

namespace headroom::e2e {

/// Runs a program of the tree with a bound in seconds; its standard output. Fails the test with its messages when it
/// does not exit with 0.
std::string run(const std::string& command, int limit_seconds = 120);

/// Polls `condition` until it holds, at most `seconds`. A shorter `pause` is for what is over within milliseconds.
bool eventually(int seconds, const std::function<bool()>& condition,
                std::chrono::milliseconds pause = std::chrono::milliseconds(25));

/// A civil time in Kolkata: "2026-11-05 00:00:00".
absl::Time kolkata(const std::string& civil);

/// A running cluster with two nodes, Headroom's CRDs, and the accounts and rights that the chart gives its programs;
/// stopped when all tests have run. What a program was forbidden fails the tests then, unless `arguments` have the API
/// server keep an audit log for the test itself.
class Cluster {
 public:
  /// The cluster of that name, the same object for each call of a program; started by the first call, with `arguments`
  /// for `hack/cluster up`.
  static Cluster& named(const std::string& name, const std::vector<std::string>& arguments = {});
  /// The same for several, started side by side: most of a start is waiting.
  static void start(const std::vector<std::string>& names, const std::vector<std::string>& arguments = {});
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// These three are of an administrator.
  kube::Client& client() const { return *client_; }
  const kube::ClusterConfig& config() const { return config_; }
  const std::string& kubeconfig_path() const { return kubeconfig_path_; }
  /// Of Headroom's programs, and what else they are allowed here.
  ChartRights& rights() const { return *rights_; }
  /// As hack/ knows it: of this process alone, so that test programs do not meet.
  const std::string& program_name() const { return program_name_; }
  /// kubectl with arguments, as administrator.
  std::string kubectl(const std::string& arguments) const;
  /// The object, or null with a failure of the test.
  nlohmann::json get(const kube::ResourceType& type, const std::string& ns, const std::string& name) const;
  /// Its status, empty where there is no object or no status.
  nlohmann::json status_of(const kube::ResourceType& type, const std::string& ns, const std::string& name) const;
  /// One condition of its status; empty where there is none of that type.
  nlohmann::json condition(const kube::ResourceType& type, const std::string& ns, const std::string& name,
                           const std::string& kind) const;
  void stop_apiserver() const;
  /// Returns when it is ready.
  void start_apiserver() const;
  /// Keeps what is stored now; the API server waits for etcd meanwhile.
  void snapshot_etcd() const;
  /// Goes back to that, while the API server is stopped.
  void restore_etcd() const;
  /// Stand-ins for a database operator's CRD and for its controller: one instance at a time, each after 100 ms.
  void add_databases();
  /// KEDA's real CRDs, which nothing acts on here.
  void add_keda();
  /// From now on metadata_and_spec() looks at these, too: "queues.broker.example.com".
  void also_compare(const std::string& resource) { compared_ += "," + resource; }
  /// Lets Headroom reach others, and read how: by kubeconfig Secrets `<name>-kubeconfig`, key `value`, in
  /// headroom-system.
  void know(const std::vector<std::string>& names);
  /// Fails the test with what Headroom's programs asked for and may not.
  void expect_nothing_forbidden() const;

  /// metadata and spec of every object that Headroom may touch in a namespace, by "Kind name", without what the API
  /// server counts by itself: managedFields, resourceVersion, generation.
  std::map<std::string, nlohmann::json> metadata_and_spec(const std::string& ns) const;

 private:
  Cluster(const std::string& name, const std::vector<std::string>& arguments);

  const std::string program_name_;
  std::string kubeconfig_path_;
  kube::ClusterConfig config_;
  std::shared_ptr<kube::Client> client_;
  std::unique_ptr<ChartRights> rights_;
  bool databases_ = false;
  std::string compared_ = "horizontalpodautoscalers,deployments,statefulsets,configmaps";
};

/// Of its etcd, on loopback, without TLS.
std::uint16_t etcd_port(const Cluster& cluster);

/// The database operator's own kind.
inline const kube::ResourceType kDatabase{"postgresql.cnpg.io", "v1", "clusters", "Cluster", true};

}  // namespace headroom::e2e
