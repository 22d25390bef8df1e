// A Kubernetes API client over a Transport: paths, content types, errors, retries by class, rate and concurrency bounds.
// Objects are JSON; typed structs are made from it by the caller (api/, runtime/store.h). Thread-safe.
#pragma once

#include <absl/time/time.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/api/object.h"
#include "operator/base/backoff.h"
#include "operator/base/result.h"
#include "operator/kube/transport.h"

namespace headroom::kube {

/// A resource type as URLs name it.
struct ResourceType {
  std::string group;     ///< empty for the core group
  std::string version;
  std::string plural;    ///< "deployments"
  std::string kind;      ///< "Deployment"
  bool namespaced = true;

  auto operator<=>(const ResourceType&) const = default;
  std::string api_version() const;  ///< "apps/v1", "v1"
  std::string to_string() const;    ///< "deployments.apps"
};

/// Types that Headroom reads or writes by name.
namespace types {
extern const ResourceType kRegion, kScaleTarget, kFestivalSchedule, kConfigMap, kSecret, kNamespace, kNode, kPod,
    kResourceQuota, kDeployment, kStatefulSet, kReplicaSet, kHorizontalPodAutoscaler, kScaledObject, kLease, kEvent,
    kCustomResourceDefinition;
}  // namespace types

struct ListOptions {
  std::string label_selector, field_selector;
  std::string resource_version;        ///< empty: most recent
  std::string resource_version_match;  ///< "", "NotOlderThan", "Exact"
  int limit = 500;
  std::string continue_token;
  bool metadata_only = false;          ///< PartialObjectMetadataList
};

struct ListPage {
  std::vector<nlohmann::json> items;
  std::string resource_version, continue_token;
  std::int64_t remaining = 0;
};

struct WatchOptions {
  std::string label_selector, field_selector, resource_version;
  std::chrono::seconds timeout{290};   ///< asked of the server; the client's idle bound is this plus 5 s
  bool metadata_only = false;
};

enum class PatchType { Merge, Json, Apply };

struct WriteOptions {
  bool dry_run = false;
  bool force = false;      ///< server-side apply: take fields over
  std::string subresource; ///< "", "status", "scale"
};

/// Reads. Retries Unavailable, Timeout and TooManyRequests with back-off until `deadline`.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual Result<nlohmann::json> get(const ResourceType& type, const api::ObjectKey& key, std::stop_token stop,
                                     const std::string& subresource = "") = 0;
  virtual Result<ListPage> list(const ResourceType& type, const std::string& ns, const ListOptions& options,
                                std::stop_token stop) = 0;
  /// Never retried: the watch machine decides what a failed start means.
  virtual Result<std::unique_ptr<Stream>> watch(const ResourceType& type, const std::string& ns,
                                                const WatchOptions& options, std::stop_token stop) = 0;
};

/// Writes. 429 and 503 are retried as the server wishes; other failures that cannot have landed are retried with
/// back-off; Conflict comes back at once (re-read and recompute, never replay). Each answer is the object as stored.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual Result<nlohmann::json> create(const ResourceType& type, const nlohmann::json& object, std::stop_token stop,
                                        const WriteOptions& options = {}) = 0;
  /// Put a metadata.resourceVersion into a merge patch (or a `test` into a JSON patch) as the precondition.
  virtual Result<nlohmann::json> patch(const ResourceType& type, const api::ObjectKey& key, PatchType patch_type,
                                       const nlohmann::json& patch, std::stop_token stop,
                                       const WriteOptions& options = {}) = 0;
  virtual Result<nlohmann::json> update(const ResourceType& type, const nlohmann::json& object, std::stop_token stop,
                                        const WriteOptions& options = {}) = 0;
  struct Preconditions {
    std::string uid, resource_version;  ///< empty: none
  };
  /// NotFound counts as done.
  virtual Status remove(const ResourceType& type, const api::ObjectKey& key, const Preconditions& preconditions,
                        std::stop_token stop) = 0;
};

/// What a client may ask of its server and of itself.
struct ClientLimits {
  int max_in_flight = 64;          ///< concurrent requests, watches aside
  double requests_per_second = 2000;  ///< token bucket; client-go's 20 would delay a thousand patches by 50 s
  int burst = 4000;
  std::chrono::milliseconds request_timeout{15'000};
  std::chrono::milliseconds retry_for{30'000};  ///< from the first attempt to the last
  Backoff backoff{std::chrono::milliseconds(100), 2, std::chrono::milliseconds(5'000), 0.5};
};

/// Called once per attempt; feeds rest_client_requests_total and latency histograms.
using RequestObserver =
    std::function<void(Method method, int status, std::chrono::microseconds took)>;

/// Asked right before every write; an error refuses it (a lost lease must not write).
using WriteGate = std::function<Status()>;

class Client final : public Reader, public Writer {
 public:
  Client(std::shared_ptr<Transport> transport, ClientLimits limits, std::uint64_t seed);
  ~Client() override;

  void set_write_gate(WriteGate gate);          ///< before threads start
  void set_observer(RequestObserver observer);  ///< before threads start

  Result<nlohmann::json> get(const ResourceType& type, const api::ObjectKey& key, std::stop_token stop,
                             const std::string& subresource = "") override;
  Result<ListPage> list(const ResourceType& type, const std::string& ns, const ListOptions& options,
                        std::stop_token stop) override;
  Result<std::unique_ptr<Stream>> watch(const ResourceType& type, const std::string& ns, const WatchOptions& options,
                                        std::stop_token stop) override;
  Result<nlohmann::json> create(const ResourceType& type, const nlohmann::json& object, std::stop_token stop,
                                const WriteOptions& options = {}) override;
  Result<nlohmann::json> patch(const ResourceType& type, const api::ObjectKey& key, PatchType patch_type,
                               const nlohmann::json& patch, std::stop_token stop,
                               const WriteOptions& options = {}) override;
  Result<nlohmann::json> update(const ResourceType& type, const nlohmann::json& object, std::stop_token stop,
                                const WriteOptions& options = {}) override;
  Status remove(const ResourceType& type, const api::ObjectKey& key, const Preconditions& preconditions,
                std::stop_token stop) override;

  /// GET of any path, for /version, /readyz and discovery. No write gate.
  Result<Response> raw_get(const std::string& path, std::stop_token stop);
  /// Discovery of a kind: apiVersion and kind to its resource type; NotFound names what is missing.
  Result<ResourceType> resource_for(const std::string& api_version, const std::string& kind, std::stop_token stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The URL path of an object or a collection; every part percent-encoded. Pure.
std::string object_path(const ResourceType& type, const api::ObjectKey& key, const std::string& subresource = "");
std::string collection_path(const ResourceType& type, const std::string& ns);

}  // namespace headroom::kube
