// Does the engine's tasks at the API server: a few threads, each with one request under way.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "operator/kube/client.h"
#include "webhook/app/engine.h"
#include "webhook/app/replica_leases.h"

namespace headroom::webhook {

/// One attempt in five seconds: the ledger decides what a failure means, and what is tried again.
kube::ClientLimits ledger_client_limits();

class ClusterIo {
 public:
  /// Ledgers are kept in the namespace `ns`. `client` is for these tasks alone, with ledger_client_limits().
  ClusterIo(std::shared_ptr<kube::Client> client, std::string ns, int threads, std::uint64_t seed);
  ~ClusterIo();

  /// `engine` hears of the results, and `replicas` of Leases; both must live until stop().
  void start(Engine& engine, ReplicaLeases& replicas);
  /// Ends what is under way; its results are not told any more.
  void stop();
  /// Any thread; does not block. The engine has at most one swap or read per limit and one read and one list per type
  /// under way, and one look for a name per review that waits: that bounds what queues here.
  void run(Task task);

 private:
  void work(const std::stop_token& stop);
  void perform(const SwapTask& task, const std::stop_token& stop);
  void perform(const ReadLedgerTask& task, const std::stop_token& stop);
  void perform(const ReadRevisionTask& task, const std::stop_token& stop);
  void perform(const ListTask& task, const std::stop_token& stop);
  void perform(const ReadNameTask& task, const std::stop_token& stop);
  void perform(const ReadHolderTask& task, const std::stop_token& stop);
  /// Whether it came to know all that has happened after the task's revision.
  bool catch_up(const ListTask& task, const std::stop_token& stop);
  Result<limits::Revision> list(const WatchedType& type, TypeList& into, const std::stop_token& stop);
  /// Before a failure is told, so that what is tried again at once is not tried in a tight loop.
  void pause(const std::stop_token& stop);

  const std::shared_ptr<kube::Client> client_;
  const std::string ns_;
  const int threads_;
  Engine* engine_ = nullptr;
  ReplicaLeases* replicas_ = nullptr;

  std::mutex mutex_;  ///< guards what follows
  std::condition_variable_any changed_;
  std::deque<Task> tasks_;
  std::mt19937_64 random_;

  std::vector<std::jthread> workers_;
};

}  // namespace headroom::webhook
