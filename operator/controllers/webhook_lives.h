// Whether a webhook replica lives, by the Leases that they renew. Times are those of seeing a renewal: other machines'
// clocks are not trusted. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>

#include "operator/base/clock.h"
#include "operator/runtime/reflector.h"

namespace headroom::controllers {

class WebhookLives {
 public:
  /// `clock` outlives it.
  explicit WebhookLives(const Clock& clock);

  /// For a reflector of the Leases of webhook replicas; this outlives it.
  std::unique_ptr<runtime::ObjectSink> sink();
  /// A Lease as a read has it that did not come through that reflector.
  void read(const nlohmann::json& lease) { saw(lease, false); }

  /// Nothing was heard before now: whoever lives gets the time to show it.
  void begin_anew();
  /// Until when one counts as alive if no more renewals are seen: the last one, the life of its Lease, and a third of
  /// it more, in which a renewal that failed is tried again.
  SteadyTime alive_until() const;
  /// Whether a renewal was seen since it began anew, or there was time enough for one.
  bool known() const;

 private:
  class Sink;

  /// `happened`: it was written just now, not found in a list.
  void saw(const nlohmann::json& lease, bool happened);
  void forget(const std::string& lease);
  void retain(const std::set<std::string>& listed);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> renewed_;  ///< as each Lease says when, by name
  std::chrono::milliseconds life_;              ///< of the Lease that was renewed last
  SteadyTime alive_until_;
  SteadyTime known_from_;
};

}  // namespace headroom::controllers
