// This replica's Lease: says to the others that it lives, and to itself until when it may admit. One Lease per replica;
// nobody competes for it.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <thread>

#include "operator/api/webhook_lease.h"
#include "operator/kube/client.h"
#include "operator/limits/escrow.h"

namespace headroom::webhook {

/// By which the Leases of all replicas are found.
using api::kWebhookLeaseComponent;
using api::kWebhookLeaseLabel;
/// The epoch of the life that holds the Lease.
inline constexpr char kEpochAnnotation[] = "headroom.dev/epoch";

/// What a replica tells the others with each renewal: text by annotation, each of "headroom.dev/".
using Announcements = std::map<std::string, std::string>;

struct LeaseOptions {
  std::string ns;
  std::string name;      ///< of the Lease: the holder's name in every ledger
  std::string identity;  ///< of this process: two lives of one name differ
  absl::Duration life = absl::Seconds(15);
  /// So long after a life others remove its Lease: that it is gone then says nothing of the store.
  absl::Duration tidied_up_after = absl::InfiniteDuration();
  std::function<Announcements()> announces = [] { return Announcements(); };  ///< asked before each renewal
};

/// How long a replica has been silent when its Lease is removed: what it admitted has landed or never will, others have
/// taken its grants back, and no request of it is on its way.
inline absl::Duration tidied_up_after(const limits::EscrowOptions& escrow) {
  return 4 * (escrow.lease_life + escrow.request_deadline);
}

/// "headroom-webhook-<identity>" as a name that an object may have.
std::string lease_name(const std::string& identity);

/// What a Lease says of its holder.
struct LeaseState {
  limits::Holder holder;
  std::string process, resource_version;
  std::string renewed;  ///< opaque: only its change counts, other clocks are not trusted
  Announcements announced;
};
LeaseState lease_state(const nlohmann::json& lease);

/// Who hears of it; called on the Lease's thread.
struct LeaseListener {
  /// Admit until then, and not later.
  std::function<void(limits::BootTime until)> held_until;
  /// Another life, under another epoch, before its first held_until(): after a start, and after each lapse.
  std::function<void(limits::Holder holder)> began;
  /// The Lease is older than this process left it, or gone: the store was restored, or somebody deleted it. The one
  /// thing that every replica holds and so the one that shows it to all, also to those without a grant.
  std::function<void()> went_back = [] {};
};

class LeaseLife {
 public:
  using Now = std::function<limits::Moment()>;

  /// `client` is for this alone, so that it never queues: one attempt, below a third of the life.
  LeaseLife(std::shared_ptr<kube::Client> client, LeaseOptions options, Now now, LeaseListener listener);
  ~LeaseLife();

  /// Renews every third of the life until stop(), however often that fails.
  void start();
  void stop();
  /// Deletes the Lease, after stop(): for a replica that holds nothing any more.
  void give_up();

 private:
  void run(const std::stop_token& stop);
  Status renew(const std::stop_token& stop);
  Result<nlohmann::json> write(std::int64_t epoch, const std::stop_token& stop);

  const std::shared_ptr<kube::Client> client_;
  const LeaseOptions options_;
  const Now now_;
  const LeaseListener listener_;

  // The thread's own.
  std::optional<LeaseState> stored_;  ///< as last seen; null: not there, or not known
  bool read_ = false;                 ///< whether it was looked for
  std::optional<std::int64_t> epoch_;
  limits::Revision newest_ = 0;  ///< that this process has written
  limits::BootTime until_ = -absl::InfiniteDuration();

  std::jthread thread_;
};

}  // namespace headroom::webhook
