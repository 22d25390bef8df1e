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

/// Posts on a thread of its own; bounded queue, bounded retries; failures are counted and logged.
std::unique_ptr<Notifier> make_notifier(const std::vector<Receiver>& receivers, const Clock& clock,
                                        runtime::Metrics& metrics);

}  // namespace headroom::controllers
