// What was stored at each revision, by a watch of etcd itself, which knows nothing of limits and does not mind what
// becomes of the API server; and whether that was ever too much.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "operator/api/object.h"
#include "operator/kube/client.h"
#include "operator/kube/transport.h"

namespace headroom::e2e {

/// One dimension of a limit, as a test understands it.
struct Bound {
  std::string limit;      ///< as messages name it: "ScaleLimit storm/artifacts"
  std::string dimension;  ///< "count", "size"
  std::int64_t hard = 0;
  /// What an object adds; 0 where it does not match.
  std::function<std::int64_t(const nlohmann::json& object)> use;
};

using StoreRevision = std::int64_t;
/// metadata.resourceVersion.
StoreRevision revision_of(const nlohmann::json& object);

/// A type, and where its objects lie in etcd; stored as JSON.
struct StoredType {
  kube::ResourceType type;
  std::string prefix;  ///< "/registry/deployments/"
};

/// Follows the store from its construction on. Any thread, but for what follows settle().
class UseHistory {
 public:
  /// `etcd`: its port on loopback, without TLS.
  UseHistory(std::uint16_t etcd, std::vector<StoredType> types, std::vector<Bound> bounds);
  ~UseHistory();

  const std::vector<Bound>& bounds() const { return bounds_; }
  /// As far as the watch has come.
  std::int64_t now(std::size_t bound) const;

  /// Waits until the watch has told all that is stored now; what follows answers by the state of then.
  bool settle(int seconds);
  std::size_t revisions() const { return at_.size(); }
  std::int64_t most(std::size_t bound) const;
  /// The largest use at any moment from one revision to another, both included.
  std::int64_t most_between(std::size_t bound, StoreRevision from, StoreRevision to) const;
  /// When an object went; 0 where it did not. Of objects of one name the last.
  StoreRevision deleted_at(const kube::ResourceType& type, const api::ObjectKey& key) const;

 private:
  using Uses = std::vector<std::int64_t>;
  struct Change {
    StoreRevision revision;
    Uses more;
  };

  nlohmann::json ask(const std::string& path, const nlohmann::json& question) const;
  void watch(StoreRevision from, const std::stop_token& stop);
  void take(const nlohmann::json& event);

  const std::vector<StoredType> types_;
  const std::vector<Bound> bounds_;
  const std::shared_ptr<kube::Transport> etcd_;
  mutable std::mutex mutex_;  ///< guards what follows
  StoreRevision reached_ = 0;
  std::vector<Change> changes_;
  Uses at_first_, now_;
  std::map<std::string, Uses> objects_;           ///< by their keys in etcd
  std::map<std::string, StoreRevision> deleted_;  ///< the same

  // Of settle():
  std::vector<StoreRevision> at_;  ///< ascending
  std::vector<Uses> uses_;         ///< from the revision of the same place on

  std::jthread thread_;
};

}  // namespace headroom::e2e
