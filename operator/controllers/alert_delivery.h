// What goes out when, and in which words: the alerts that are active, which deliveries are due, and their bodies. The
// pure core of the notifier; time and randomness are arguments. One thread at a time.
#pragma once

#include <absl/time/time.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/backoff.h"
#include "operator/base/clock.h"
#include "operator/controllers/notifier.h"

namespace headroom::controllers {

struct DeliveryOptions {
  /// Alertmanager's clients re-send every 30 s to 3 min; what is not re-sent ends by itself.
  std::chrono::milliseconds resend{60'000};
  absl::Duration lasts = absl::Minutes(3);  ///< endsAt of an active alert, from each send
  int attempts = 5;                         ///< of one delivery to one address
  Backoff retry{std::chrono::milliseconds(1'000), 2, std::chrono::milliseconds(30'000), 0.2};
  std::size_t most_alerts = 5'000;   ///< active at a time
  std::size_t most_waiting = 1'000;  ///< deliveries; the oldest resolved ones give way
};

/// An alert on its way.
struct SentAlert {
  Alert alert;
  std::optional<absl::Time> resolved_at;  ///< empty: it is active
  bool operator==(const SentAlert&) const = default;
};

/// One post to one address.
struct Delivery {
  std::string receiver, url;
  std::vector<SentAlert> alerts;
  int attempt = 0;  ///< failed ones so far
};

class DeliveryBook {
 public:
  DeliveryBook(const std::vector<Receiver>& receivers, DeliveryOptions options);

  /// Replaces what `owner` says is active. Alerts for receivers that do not exist are left out. `now` is the machine's
  /// wall clock, which the resolution will be told at.
  void set_active(const std::string& owner, std::vector<Alert> alerts, SteadyTime steady, absl::Time now);

  /// The next delivery that is due; it counts as under way until it is settled.
  std::optional<Delivery> take(SteadyTime now);
  /// A delivery that failed is due again later, or given up; true when it was given up.
  bool settle(Delivery delivery, bool delivered, SteadyTime now, std::uint64_t random);
  std::optional<SteadyTime> next_due() const;
  /// Deliveries dropped for want of room, and alerts refused.
  std::int64_t dropped() const { return dropped_; }

 private:
  struct Waiting {
    Delivery delivery;
    SteadyTime due;
  };
  void deliver(const Receiver& receiver, const std::vector<SentAlert>& alerts, SteadyTime due);
  std::vector<SentAlert> active_of(const std::string& receiver) const;
  /// What is not so any more: told late, it would stand after what is.
  void forget_overtaken(Delivery& delivery) const;

  const std::map<std::string, Receiver> receivers_;
  const DeliveryOptions options_;
  std::map<std::string, std::vector<Alert>> active_;  ///< by owner
  std::map<std::string, SteadyTime> resend_due_;      ///< by receiver, Alertmanagers with active alerts only
  std::vector<Waiting> waiting_;
  std::int64_t dropped_ = 0;
};

/// Alertmanager's POST /api/v2/alerts: a list, each with startsAt and endsAt. An alert whose start lies in the future
/// (the operator's clock may run ahead of the machine's) starts now.
std::string alertmanager_body(const std::vector<SentAlert>& alerts, absl::Time now, absl::Duration lasts);

/// The payload of Alertmanager's own webhook receiver (version 4), which existing receivers understand.
std::string webhook_body(const std::string& receiver, const std::vector<SentAlert>& alerts, absl::Time now);

}  // namespace headroom::controllers
