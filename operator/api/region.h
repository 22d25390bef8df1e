// Region (cluster-scoped, `reg`): a place where workloads run. Structs of spec and status, and their JSON. No IO.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "operator/api/object.h"
#include "operator/base/quantity.h"
#include "operator/base/result.h"

namespace headroom::api {

/// The home cluster. It is there without an object of its own; a Region of this name describes it.
inline constexpr char kLocalRegion[] = "local";

struct SecretKeyRef {
  std::string ns, name, key;
  bool operator==(const SecretKeyRef&) const = default;
};

struct RegionCluster {
  enum class Type { Local, Kubeconfig };
  Type type = Type::Local;
  /// Cluster API convention: Secret `<name>-kubeconfig`, key `value` (the default key).
  std::optional<SecretKeyRef> kubeconfig_secret;
  bool operator==(const RegionCluster&) const = default;
};

/// One dimension of what a region can carry: `pods`, `sustained-rps`, `storage`, …
struct RegionCapacity {
  std::string name;
  Quantity hard;
  std::string used_query;  ///< optional PromQL that tells present use beyond what ScaleTargets declare
  QuantityFormat format = QuantityFormat::DecimalSI;  ///< of `hard`; what is told of this dimension is written in it
  bool operator==(const RegionCapacity&) const = default;
};

/// The Prometheus that answers the queries of this region's targets, rules and limits.
struct RegionMetrics {
  std::string url;
  std::optional<SecretKeyRef> auth_secret;  ///< bearer token
  std::optional<SecretKeyRef> ca;           ///< PEM bundle in a Secret
  std::string tenant_header;                ///< "X-Scope-OrgID: tenant", for multi-tenant stores
  absl::Duration staleness = absl::Minutes(5);
  bool operator==(const RegionMetrics&) const = default;
};

struct HealthProbe {
  enum class Type { HTTP, TCP, APIServer, Prometheus };
  std::string name;
  Type type = Type::APIServer;
  std::string url;      ///< HTTP: http or https; success is 200..399
  std::string address;  ///< TCP: host:port
  std::string query;    ///< Prometheus: healthy while the answer is not empty and not 0
  absl::Duration interval = absl::Seconds(10);
  absl::Duration timeout = absl::Seconds(3);
  int failure_threshold = 3;
  bool operator==(const HealthProbe&) const = default;
};

struct RegionHealth {
  enum class Policy { All, Majority, Any };
  std::vector<HealthProbe> probes;
  Policy policy = Policy::All;
  absl::Duration unhealthy_after = absl::ZeroDuration();
  bool operator==(const RegionHealth&) const = default;
};

/// Who may place ScaleTargets in a region, as Gateway API's allowedRoutes says it.
struct AllowedNamespaces {
  enum class From { Same, Selector, All };
  From from = From::All;  ///< Same: the operator's own namespace
  std::optional<LabelSelector> selector;
  bool operator==(const AllowedNamespaces&) const = default;
};

struct RegionSpec {
  enum class DataResidency { Open, Strict };
  RegionCluster cluster;
  std::vector<RegionCapacity> capacity;
  std::optional<RegionMetrics> metrics;
  std::vector<std::string> compliance;  ///< "EU_GDPR", "CCPA", …
  DataResidency data_residency = DataResidency::Open;
  std::map<std::string, std::string> parameters;
  std::vector<std::string> parameter_namespaces;  ///< where ConfigMap `headroom-region` is written
  RegionHealth health;
  AllowedNamespaces allowed_namespaces;
  bool operator==(const RegionSpec&) const = default;
};

struct ProbeStatus {
  std::string name;
  bool healthy = false;
  int consecutive_failures = 0;
  std::string message;
  std::optional<absl::Time> last_probe;
  bool operator==(const ProbeStatus&) const = default;
};

struct CapacityStatus {
  std::string name;
  Quantity hard, planned;                             ///< planned: sum over decided targets
  std::optional<Quantity> used;                       ///< what used_query said, where there is one
  QuantityFormat format = QuantityFormat::DecimalSI;  ///< of the declared capacity
  /// By value: "1Ki" and "1024" are the same capacity.
  bool operator==(const CapacityStatus& other) const {
    return name == other.name && hard == other.hard && planned == other.planned && used == other.used;
  }
};

struct RegionStatus {
  std::int64_t observed_generation = 0;
  std::vector<Condition> conditions;  ///< Ready, Reachable, Healthy, CapacityAvailable, MetricsAvailable
  std::vector<ProbeStatus> probes;
  std::vector<CapacityStatus> capacity;
  std::string kubernetes_version;
  std::int64_t targets = 0;
  bool operator==(const RegionStatus&) const = default;
};

struct Region {
  ObjectMeta meta;
  RegionSpec spec;
  RegionStatus status;
};

/// The object as the API server sends it. InvalidArgument names the path of what is wrong, its value and the remedy.
Result<Region> region_from_json(const nlohmann::json& object);
/// The whole `status`; what says nothing is left out. Read back it equals `status` (times to the microsecond).
nlohmann::json to_json(const RegionStatus& status);

}  // namespace headroom::api
