// A Kubernetes API client over a Transport: paths, content types, errors, retries by class, rate and concurrency
// bounds. Objects are JSON; typed structs are made from it by the caller (api/, runtime/store.h). Thread-safe.
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
#include "operator/kube/timing.h"
#include "operator/kube/transport.h"

namespace headroom::api {
enum class LimitKind;
}

namespace headroom::kube {

/// A resource type as URLs name it.
struct ResourceType {
  std::string group;  ///< empty for the core group
  std::string version;
  std::string plural;  ///< "deployments"
  std::string kind;    ///< "Deployment"
  bool namespaced = true;

  auto operator<=>(const ResourceType&) const = default;
  std::string api_version() const;  ///< "apps/v1", "v1"
  std::string to_string() const;    ///< "deployments.apps"
};

/// Types that Headroom reads or writes by name.
namespace types {
extern const ResourceType kRegion, kScaleTarget, kFestivalSchedule, kConfigMap, kSecret, kNamespace, kNode, kPod,
    kResourceQuota, kDeployment, kStatefulSet, kReplicaSet, kHorizontalPodAutoscaler, kScaledObject, kLease, kEvent,
    kCustomResourceDefinition, kScaleLimit, kClusterScaleLimit, kLimitLedger, kValidatingWebhookConfiguration,
    kValidatingAdmissionPolicy, kValidatingAdmissionPolicyBinding, kClusterRoleBinding;

/// Of a limit in its namespace, or of one over namespaces.
const ResourceType& limit_type(api::LimitKind kind);
}  // namespace types

/// What to list and how; resource versions as the Kubernetes API concepts ("Resource versions", "Chunks") have them.
struct ListOptions {
  std::string label_selector{}, field_selector{};
  std::string resource_version{};        ///< empty: most recent
  std::string resource_version_match{};  ///< "", "NotOlderThan", "Exact"
  int limit = 500;                       ///< objects a page; 0: all in one
  std::string continue_token{};  ///< of the page before; the server then wants no resource_version, none is sent
  bool metadata_only = false;    ///< PartialObjectMetadataList
};

/// One page of a list. Items carry apiVersion and kind even where the server leaves them out.
struct ListPage {
  std::vector<nlohmann::json> items;
  std::string resource_version, continue_token;  ///< continue_token empty: the last page
  std::int64_t remaining = 0;                    ///< how many more there are, where the server says so
};

struct WatchOptions {
  std::string label_selector{}, field_selector{}, resource_version{};
  std::chrono::seconds timeout{290};  ///< asked of the server; the client's idle bound is this plus 5 s
  bool metadata_only = false;
};

/// RFC 7386, RFC 6902, server-side apply.
enum class PatchType { Merge, Json, Apply };

struct WriteOptions {
  bool dry_run = false;         ///< admission and validation run, nothing is stored
  bool force = false;           ///< server-side apply: take fields over
  std::string subresource{};    ///< "", "status", "scale"
  std::string field_manager{};  ///< empty: the one of Headroom's programs
};

/// Reads. Unavailable, Timeout and TooManyRequests are retried with back-off for ClientLimits::retry_for.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual Result<nlohmann::json> get(const ResourceType& type, const api::ObjectKey& key, std::stop_token stop,
                                     const std::string& subresource = "") = 0;
  /// `ns` empty: all namespaces.
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
    std::string uid{}, resource_version{};  ///< empty: none
  };
  /// NotFound counts as done.
  virtual Status remove(const ResourceType& type, const api::ObjectKey& key, const Preconditions& preconditions,
                        std::stop_token stop) = 0;
};

/// What a client may ask of its server and of itself.
struct ClientLimits {
  int max_in_flight = 64;             ///< concurrent requests, watches aside
  double requests_per_second = 2000;  ///< token bucket; client-go's 20 would delay a thousand patches by 50 s
  int burst = 4000;
  std::chrono::milliseconds request_timeout{15'000};  ///< of one attempt; also how long one waits for its turn
  std::chrono::milliseconds retry_for{30'000};  ///< from the first attempt to the start of the last; 0: one attempt
  Backoff backoff{std::chrono::milliseconds(100), 2, std::chrono::milliseconds(5'000), 0.5};
};

/// Called once per attempt, with status 0 when no response came; feeds rest_client_requests_total and latency
/// histograms. From the thread that made the request.
using RequestObserver = std::function<void(Method method, int status, std::chrono::microseconds took)>;

/// Asked right before every attempt to write; an error refuses it (a lost lease must not write).
using WriteGate = std::function<Status()>;

class Client final : public Reader, public Writer {
 public:
  /// `seed` feeds the jitter of retries. `timing` empty: the machine's clock.
  Client(std::shared_ptr<Transport> transport, ClientLimits limits, std::uint64_t seed,
         std::shared_ptr<Timing> timing = nullptr);
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

  /// GET of any path, for /version and /readyz. One attempt; any status is a Response. No write gate.
  Result<Response> raw_get(const std::string& path, std::stop_token stop);
  /// Discovery of a kind: apiVersion and kind to its resource type; NotFound names what is missing. Answers are kept; a
  /// kind that is missing is asked for again at most every ten seconds.
  Result<ResourceType> resource_for(const std::string& api_version, const std::string& kind, std::stop_token stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The URL path of an object or a collection; every part percent-encoded. Pure.
std::string object_path(const ResourceType& type, const api::ObjectKey& key, const std::string& subresource = "");
std::string collection_path(const ResourceType& type, const std::string& ns);

}  // namespace headroom::kube
