// Notifications besides Events: Alertmanager v2 posts and plain webhooks. Alerts are re-sent while they are active, as
// Alertmanager expects of its clients (every 30 s to 3 min), and resolved at the end of their phase.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "operator/base/clock.h"
#include "operator/controllers/options.h"
#include "operator/monitoring/transport_factory.h"
#include "operator/runtime/metrics.h"

namespace headroom::controllers {

struct Alert {
  std::string receiver;
  std::map<std::string, std::string> labels;  ///< alertname is required; labels are the alert's identity
  std::map<std::string, std::string> annotations;
  absl::Time starts_at;

  bool operator==(const Alert&) const = default;
};

class Notifier {
 public:
  virtual ~Notifier() = default;
  /// Replaces what `owner` (a schedule) says is active: new alerts are posted at once, vanished ones resolved.
  virtual void set_active(const std::string& owner, std::vector<Alert> alerts) = 0;
};

/// What a notifier takes from its surroundings; tests replace it.
struct NotifierSurroundings {
  monitoring::TransportFactory connect;  ///< empty: kube::make_transport
  /// The machine's clock: receivers live in real time, also where the operator's own clock replays a festival. Null:
  /// the real one.
  const Clock* machine = nullptr;
};

/// Posts on a thread of its own; bounded queue, bounded retries; failures are counted
/// (headroom_notifications_total{receiver,result}) and logged. Alertmanager receivers are posted to at /api/v2/alerts
/// of each URL; webhook receivers get the payload that Alertmanager sends to its own webhooks, when an alert begins and
/// when it is over. Alerts for receivers that do not exist are left out. Threads that call set_active never wait for
/// the network.
std::unique_ptr<Notifier> make_notifier(const std::vector<Receiver>& receivers, const Clock& clock,
                                        runtime::Metrics& metrics, NotifierSurroundings surroundings = {});

}  // namespace headroom::controllers
