#include "operator/api/region.h"

#include <nlohmann/json.hpp>

#include "operator/api/json_reader.h"
#include "operator/api/json_writer.h"
#include "operator/api/label_selector.h"

namespace headroom::api {
namespace {

using nlohmann::json;

constexpr EnumName<RegionCluster::Type> kClusterTypes[] = {{RegionCluster::Type::Local, "Local"},
                                                           {RegionCluster::Type::Kubeconfig, "Kubeconfig"}};
constexpr EnumName<RegionSpec::DataResidency> kResidencies[] = {{RegionSpec::DataResidency::Open, "Open"},
                                                                {RegionSpec::DataResidency::Strict, "Strict"}};
constexpr EnumName<HealthProbe::Type> kProbeTypes[] = {{HealthProbe::Type::HTTP, "HTTP"},
                                                       {HealthProbe::Type::TCP, "TCP"},
                                                       {HealthProbe::Type::APIServer, "APIServer"},
                                                       {HealthProbe::Type::Prometheus, "Prometheus"}};
constexpr EnumName<RegionHealth::Policy> kPolicies[] = {{RegionHealth::Policy::All, "All"},
                                                        {RegionHealth::Policy::Majority, "Majority"},
                                                        {RegionHealth::Policy::Any, "Any"}};
constexpr EnumName<AllowedNamespaces::From> kFroms[] = {{AllowedNamespaces::From::All, "All"},
                                                        {AllowedNamespaces::From::Selector, "Selector"},
                                                        {AllowedNamespaces::From::Same, "Same"}};

SecretKeyRef read_secret(const JsonReader& reader, const char* default_key) {
  return {reader.required_text("namespace"), reader.required_text("name"), reader.text("key", default_key)};
}

RegionCluster read_cluster(const JsonReader& reader) {
  RegionCluster cluster;
  cluster.type = reader.choice("type", kClusterTypes, cluster.type);
  reader.object("kubeconfigSecretRef",
                [&](const JsonReader& secret) { cluster.kubeconfig_secret = read_secret(secret, "value"); });
  const bool wants_secret = cluster.type == RegionCluster::Type::Kubeconfig;
  if (wants_secret && !cluster.kubeconfig_secret) {
    reader.fail("kubeconfigSecretRef", "type Kubeconfig needs the Secret that holds the kubeconfig");
  }
  if (!wants_secret && cluster.kubeconfig_secret) {
    reader.fail("kubeconfigSecretRef", "type Local uses the operator's own cluster: drop it, or set type Kubeconfig");
  }
  return cluster;
}

RegionMetrics read_metrics(const JsonReader& reader) {
  RegionMetrics metrics;
  metrics.url = reader.required_text("url");
  reader.object("authSecretRef", [&](const JsonReader& secret) { metrics.auth_secret = read_secret(secret, "token"); });
  reader.object("caRef", [&](const JsonReader& secret) { metrics.ca = read_secret(secret, "ca.crt"); });
  metrics.tenant_header = reader.text("tenantHeader");
  metrics.staleness = reader.duration("staleness", metrics.staleness);
  return metrics;
}

HealthProbe read_probe(const JsonReader& reader) {
  HealthProbe probe;
  probe.name = reader.required_text("name");
  probe.type = reader.choice("type", kProbeTypes, probe.type);
  reader.object("http", [&](const JsonReader& http) { probe.url = http.required_text("url"); });
  reader.object("tcp", [&](const JsonReader& tcp) { probe.address = tcp.required_text("address"); });
  reader.object("prometheus", [&](const JsonReader& prometheus) { probe.query = prometheus.required_text("query"); });
  if (probe.type == HealthProbe::Type::HTTP && !reader.has("http")) reader.fail("http", "type HTTP needs http.url");
  if (probe.type == HealthProbe::Type::TCP && !reader.has("tcp")) reader.fail("tcp", "type TCP needs tcp.address");
  if (probe.type == HealthProbe::Type::Prometheus && !reader.has("prometheus")) {
    reader.fail("prometheus", "type Prometheus needs prometheus.query");
  }
  probe.interval = reader.duration("interval", probe.interval);
  probe.timeout = reader.duration("timeout", probe.timeout);
  probe.failure_threshold = reader.integer("failureThreshold", probe.failure_threshold, {1, 1000});
  return probe;
}

RegionHealth read_health(const JsonReader& reader) {
  RegionHealth health;
  reader.list("probes", [&](const JsonReader& probe) { health.probes.push_back(read_probe(probe)); });
  health.policy = reader.choice("policy", kPolicies, health.policy);
  health.unhealthy_after = reader.duration("unhealthyAfter", health.unhealthy_after);
  return health;
}

AllowedNamespaces read_allowed_namespaces(const JsonReader& reader) {
  AllowedNamespaces allowed;
  allowed.from = reader.choice("from", kFroms, allowed.from);
  reader.object("selector", [&](const JsonReader& selector) { allowed.selector = read_selector(selector); });
  if (allowed.from == AllowedNamespaces::From::Selector && !allowed.selector) {
    reader.fail("selector", "from: Selector needs a label selector of namespaces");
  }
  return allowed;
}

RegionSpec read_spec(const JsonReader& reader) {
  RegionSpec spec;
  reader.object("cluster", [&](const JsonReader& cluster) { spec.cluster = read_cluster(cluster); });
  reader.list("capacity", [&](const JsonReader& capacity) {
    spec.capacity.push_back({capacity.required_text("name"), capacity.required_quantity("hard"),
                             capacity.text("usedQuery"), capacity.quantity_format("hard")});
  });
  reader.object("metrics", [&](const JsonReader& metrics) { spec.metrics = read_metrics(metrics); });
  spec.compliance = reader.texts("compliance");
  spec.data_residency = reader.choice("dataResidency", kResidencies, spec.data_residency);
  spec.parameters = reader.text_map("parameters");
  spec.parameter_namespaces = reader.texts("parameterNamespaces");
  reader.object("health", [&](const JsonReader& health) { spec.health = read_health(health); });
  reader.object("allowedNamespaces",
                [&](const JsonReader& allowed) { spec.allowed_namespaces = read_allowed_namespaces(allowed); });
  return spec;
}

/// All of a dimension is written in one family, which small and broken numbers do not show.
QuantityFormat format_of(const JsonReader& capacity) {
  for (const char* field : {"hard", "planned", "used"}) {
    const QuantityFormat format = capacity.quantity_format(field);
    if (format != QuantityFormat::DecimalSI) return format;
  }
  return QuantityFormat::DecimalSI;
}

RegionStatus read_status(const JsonReader& reader) {
  RegionStatus status;
  status.observed_generation = reader.counter("observedGeneration");
  status.conditions = reader.conditions("conditions");
  reader.list("probes", [&](const JsonReader& probe) {
    status.probes.push_back({probe.required_text("name"), probe.boolean("healthy"),
                             probe.integer("consecutiveFailures", 0, {.low = 0}), probe.text("message"),
                             probe.time("lastProbe")});
  });
  reader.list("capacity", [&](const JsonReader& capacity) {
    status.capacity.push_back({capacity.required_text("name"), capacity.required_quantity("hard"),
                               capacity.required_quantity("planned"), capacity.quantity("used"), format_of(capacity)});
  });
  status.kubernetes_version = reader.text("kubernetesVersion");
  status.targets = reader.counter("targets");
  return status;
}

}  // namespace

Result<Region> region_from_json(const json& object) {
  JsonFault fault;
  const JsonReader reader(object, "", fault);
  Region region;
  region.meta = meta_from_json(object);
  reader.object("spec", [&](const JsonReader& spec) { region.spec = read_spec(spec); });
  reader.object("status", [&](const JsonReader& status) { region.status = read_status(status); });
  if (fault.found()) return fault.error();
  return region;
}

json to_json(const RegionStatus& status) {
  json object = {{"observedGeneration", status.observed_generation},
                 {"conditions", to_json(status.conditions)},
                 {"targets", status.targets}};
  put_list(object, "probes", status.probes, [](const ProbeStatus& probe) {
    json item = {{"name", probe.name}, {"healthy", probe.healthy}, {"consecutiveFailures", probe.consecutive_failures}};
    put(item, "message", probe.message);
    put(item, "lastProbe", probe.last_probe);
    return item;
  });
  put_list(object, "capacity", status.capacity, [](const CapacityStatus& capacity) {
    json item = {{"name", capacity.name},
                 {"hard", capacity.hard.canonical(capacity.format)},
                 {"planned", capacity.planned.canonical(capacity.format)}};
    if (capacity.used) item["used"] = capacity.used->canonical(capacity.format);
    return item;
  });
  put(object, "kubernetesVersion", status.kubernetes_version);
  return object;
}

}  // namespace headroom::api
