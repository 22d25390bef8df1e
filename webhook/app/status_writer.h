// Writes the statuses of limits, and events about them, while this replica is the one elected to: every replica has the
// figures already.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "operator/base/backoff.h"
#include "operator/base/clock.h"
#include "operator/kube/client.h"
#include "operator/runtime/events.h"
#include "operator/runtime/leader_election.h"
#include "webhook/app/engine.h"
#include "webhook/app/flow_report.h"
#include "webhook/app/observed.h"
#include "webhook/app/own_kinds.h"
#include "webhook/app/replica_leases.h"
#include "webhook/app/seen_limits.h"
#include "webhook/app/status_book.h"
#include "webhook/app/stored_configuration.h"
#include "webhook/app/unlanded.h"

namespace headroom::webhook {

struct StatusWriterOptions {
  std::string ns, identity;
  absl::Duration lease_life, request_deadline;
  std::string configuration;  ///< name of the ValidatingWebhookConfiguration; empty: none is kept up
  WebhookAddress address;
};

class StatusWriter {
 public:
  /// `election` is a client of its own. `lacking` is called on the writer's thread, while a configuration that was
  /// applied is not there: somebody removed it. Whatever is given by reference outlives the writer.
  StatusWriter(StatusWriterOptions options, std::shared_ptr<kube::Client> client,
               std::shared_ptr<kube::Client> election, Engine& engine, const ReplicaLeases& replicas,
               const OwnKinds& own_kinds, monitoring::QuerySource& queries, runtime::EventRecorder& events,
               runtime::Metrics& metrics, const Clock& clock, std::function<void()> lacking, std::uint64_t seed);
  ~StatusWriter();

  void start();
  /// Gives its Lease back.
  void stop();

  // From any thread:

  /// Whether this is the replica that is elected to write, and to do what one replica is enough for.
  bool leading() const { return leading_; }
  /// These are judged by from now on.
  void adopted(std::shared_ptr<const limits::LimitSet> limits);
  /// The webhook configuration that these need was stored just now.
  void applied(const limits::LimitSet& limits, const nlohmann::json& configuration);
  /// The one that was stored last is what these need, too.
  void covered(const limits::LimitSet& limits);
  /// Why watches do not get their first list, by type.
  void set_watch_problems(std::map<limits::TypeId, std::string> problems);

 private:
  struct LiveReplica {
    std::string name;
    SeenLimits seen;
  };
  /// What the other threads tell.
  struct Told {
    std::shared_ptr<const limits::LimitSet> limits;
    std::shared_ptr<const GenerationLog> generations = std::make_shared<const GenerationLog>();
    AppliedSoFar applied;
    std::map<limits::TypeId, std::string> watch_problems;
  };
  /// What one round looks at for every limit.
  struct Surroundings {
    Told told;
    std::vector<LiveReplica> live;
    std::vector<FlowReport> flows;                ///< of those that are alive
    std::vector<UnlandedReport> unlanded;         ///< of the same
    std::optional<validation::Snapshot> regions;  ///< null: not known, or nobody asks
  };

  void run(const std::stop_token& stop);
  void lead();
  bool leads();
  void round(const std::stop_token& stop);
  void read_configuration(const std::stop_token& stop);
  /// Null: the engine does not know it any more.
  std::optional<LimitObservation> observe(const LimitPtr& limit, const Surroundings& round);
  void look_through(const Told& told);
  /// While another replica writes the statuses, which cannot know of them: adds what this one has denied.
  void tell_denials(const std::stop_token& stop);
  bool write(const StatusWrite& write, const std::stop_token& stop);

  const StatusWriterOptions options_;
  const std::shared_ptr<kube::Client> client_, election_client_;
  Engine& engine_;
  const ReplicaLeases& replicas_;
  const OwnKinds& own_kinds_;
  runtime::EventRecorder& events_;
  runtime::Metrics& metrics_;
  const Clock& clock_;
  const std::function<void()> lacking_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  Told told_;  ///< under the mutex

  // The thread's own.
  std::uint64_t seed_;
  StatusBook book_;
  ObservedFigures observed_;
  std::shared_ptr<const limits::LimitSet> looked_through_;  ///< for the next two
  bool observes_ = false;                                   ///< some limit has an observed dimension
  std::map<std::string, std::string> other_versions_;       ///< by uid; see validation::other_version()
  StoredConfiguration configuration_;
  SteadyTime tell_denials_at_{};
  int failures_ = 0;  ///< in a row
  std::atomic<bool> lost_{false}, leading_{false};
  std::unique_ptr<runtime::LeaderElector> elector_;

  std::jthread thread_;
};

}  // namespace headroom::webhook
