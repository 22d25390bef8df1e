// What an operator process is told at start. Plain values; main.cc fills them from the command line and a file.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "operator/base/clock.h"
#include "operator/kube/client.h"
#include "operator/runtime/leader_election.h"
#include "operator/runtime/metrics_serving.h"

namespace headroom::controllers {

/// Where notifications go besides Events.
struct Receiver {
  enum class Type { Alertmanager, Webhook };
  std::string name;
  Type type = Type::Alertmanager;
  std::vector<std::string> urls;  ///< Alertmanager: every instance of the cluster; clients post to all of them
};

/// A field that `Field` engines may write: the administrator's allow-list.
struct AllowedField {
  std::string group, resource, path;  ///< "postgresql.cnpg.io", "clusters", ".spec.instances"
};

struct OperatorOptions {
  std::string own_namespace = "headroom-system";
  std::string identity;         ///< of this process, for the Lease and for events
  std::string watch_namespace;  ///< empty: all
  bool leader_election = true;
  runtime::ElectionOptions election;
  int target_workers = 16;
  kube::ClientLimits client_limits;
  std::vector<Receiver> receivers;
  std::vector<AllowedField> allowed_fields;
  std::vector<std::string> allowed_exec;  ///< kubeconfig exec plugins
  std::string listen_address = "0.0.0.0";
  std::uint16_t listen_port = 8080;  ///< 0: any free one
  runtime::MetricsServing metrics;
  std::chrono::milliseconds query_interval{15'000};
  std::chrono::milliseconds drain{10'000};
  /// How long the removal of a finalizer waits for an unreachable region.
  absl::Duration finalizer_patience = absl::Minutes(10);
  /// How long a raised maxReplicas may wait for replicas to come down before it is lowered all the same.
  absl::Duration max_return_patience = absl::Minutes(15);
};

}  // namespace headroom::controllers
