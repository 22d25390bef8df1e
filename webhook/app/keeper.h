// What follows from a change of the limits, and the slow chores, on one thread: compiles the limits and tells whoever
// goes by them, keeps the webhook configuration up, tidies up after replicas that are gone.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <thread>

#include "operator/base/clock.h"
#include "operator/kube/client.h"
#include "webhook/app/certificate_keeper.h"
#include "webhook/app/engine.h"
#include "webhook/app/lease_life.h"
#include "webhook/app/ledger_sweep.h"
#include "webhook/app/limit_book.h"
#include "webhook/app/limit_watches.h"
#include "webhook/app/options.h"
#include "webhook/app/replica_leases.h"
#include "webhook/app/scale_definitions.h"
#include "webhook/app/seen_limits.h"
#include "webhook/app/service_endpoints.h"
#include "webhook/app/status_writer.h"
#include "webhook/app/switches.h"
#include "webhook/app/type_watches.h"

namespace headroom::webhook {

/// Who goes by the limits; all outlive the keeper.
struct LimitFollowers {
  Engine& engine;
  LimitWatches& limits;
  TypeWatches& types;
  Switches& switches;
  StatusWriter& statuses;
  LeaseLife& lease;
  const ReplicaLeases& replicas;
};

class Keeper {
 public:
  /// `certificates` say what the webhook configuration carries.
  Keeper(const WebhookOptions& options, LimitFollowers followers, CertificateKeeper& certificates,
         std::shared_ptr<kube::Client> client, const Clock& clock);

  void start();
  void stop();

  // From any thread:

  /// There may be another set of limits.
  void limits_changed();
  /// What was applied is not there any more.
  void configuration_lacks();
  /// What was watched is of a time that never was.
  void store_went_back();
  /// The webhook configuration shall carry other authorities.
  void bundle_changed();
  /// Up to where the limits that are judged by were followed.
  SeenLimits seen() const;

 private:
  struct News {
    bool limits = false, configuration = false, bundle = false, restored = false;
  };

  void run(const std::stop_token& stop);
  News wait_for_news(const std::stop_token& stop, std::chrono::milliseconds at_most);
  void adopt_limits();
  bool apply_configuration(const std::stop_token& stop);
  Status apply(const limits::LimitSet& limits, const std::stop_token& stop);
  void tidy_up(const std::stop_token& stop);
  /// Whether it is time to apply the configuration anew that somebody else has altered.
  bool may_apply_again();

  const WebhookOptions& options_;
  const LimitFollowers followers_;
  CertificateKeeper& certificates_;
  const std::shared_ptr<kube::Client> client_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  News news_;        ///< under the mutex
  SeenLimits seen_;  ///< under the mutex

  // The thread's own.
  LimitBook book_;
  ScaleDefinitions scale_definitions_;
  LedgerSweep ledger_sweep_;
  ServiceEndpoints endpoints_;
  bool ledgers_swept_ = false;            ///< by this replica, and no limit has gone since
  nlohmann::json applied_configuration_;  ///< null: to be applied, whatever it says
  nlohmann::json applied_entries_;        ///< the same before authorities came into it
  SteadyTime contested_until_{};          ///< not applied anew before
  int contests_ = 0;                      ///< that followed each other closely
  std::string problem_;                   ///< why it could not be applied, as was told last

  std::jthread thread_;
};

}  // namespace headroom::webhook
