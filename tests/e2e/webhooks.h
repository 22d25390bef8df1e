// headroom-webhook as the tests run it: processes that an API server reaches through one address.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "tests/e2e/clusters.h"

namespace headroom::testing {
class RoundRobinProxy;
}

namespace headroom::e2e {

/// One replica; killed at its end.
class WebhookProcess {
 public:
  WebhookProcess(const std::vector<std::string>& arguments, std::string log_path);
  ~WebhookProcess();
  WebhookProcess(const WebhookProcess&) = delete;
  WebhookProcess& operator=(const WebhookProcess&) = delete;

  /// SIGKILL; returns when it is gone.
  void kill_now();
  void signal(int number) const;
  /// Waits for it to end by itself; its exit status, or -1 when it has not within `seconds`.
  int wait(int seconds);
  bool running() const { return pid_ > 0; }
  /// Of the process; at most 0 when it is gone.
  pid_t pid() const { return pid_; }

  std::string log() const;
  /// Where it answers reviews, and where health and metrics are; 0 before it does.
  std::uint16_t port() const { return port_after("serving reviews"); }
  std::uint16_t health_port() const { return port_after("serving health and metrics"); }
  /// Status of GET /readyz; 0 without an answer.
  bool ready() const;
  std::string ask(const std::string& path) const;

 private:
  std::uint16_t port_after(const std::string& message) const;

  const std::string log_path_;
  pid_t pid_ = -1;
};

/// Replicas of one webhook, with certificates of their own, and the balancer before them.
class Webhooks {
 public:
  /// Under the chart's ServiceAccount, unless `arguments` have another --kubeconfig. `kubeconfigs`: of the replicas
  /// that do not reach the API server as all others do.
  Webhooks(const Cluster& cluster, int replicas, std::vector<std::string> arguments = {},
           std::map<std::size_t, std::string> kubeconfigs = {});
  ~Webhooks();

  WebhookProcess& replica(std::size_t number) { return *replicas_[number]; }
  /// A killed one comes back under the same identity.
  void restart(std::size_t number);
  /// One more, under an identity of its own; its number.
  std::size_t add();
  /// As a Service does: new connections go to the replicas that are ready now. Whether all that run are.
  bool balance();
  /// All replicas that run are ready; the balancer knows where they are.
  bool wait_ready(int seconds);
  /// Name of a replica's Lease.
  std::string lease(std::size_t number) const;

 private:
  std::vector<std::string> arguments_of(std::size_t number) const;
  bool ready();

  const Cluster& cluster_;
  const std::string folder_, name_;
  const std::vector<std::string> arguments_;
  const std::map<std::size_t, std::string> kubeconfigs_;
  std::unique_ptr<testing::RoundRobinProxy> balancer_;
  std::vector<std::unique_ptr<WebhookProcess>> replicas_;
};

}  // namespace headroom::e2e
