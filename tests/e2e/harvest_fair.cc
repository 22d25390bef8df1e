#include "tests/e2e/harvest_fair.h"

#include <absl/strings/str_cat.h>

#include <optional>
#include <utility>

#include "operator/base/duration.h"

namespace headroom::e2e::fair {
namespace {

using nlohmann::json;

constexpr int kMailers = 4, kStalls = 2, kShops = kTargets - kMailers - kStalls - 2;
// Of a shop or a stall: Deployment, HPA. Of a mailer: Deployment. Databases, and a ConfigMap that is in every
// namespace.
static_assert(kObjects == 2 * kShops + kMailers + 2 * kStalls + 2 + 1);
json object(const kube::ResourceType& type, const std::string& name, json spec, json labels = json::object()) {
  return {{"apiVersion", type.api_version()},
          {"kind", type.kind},
          {"metadata", {{"name", name}, {"namespace", kNamespace}, {"labels", std::move(labels)}}},
          {"spec", std::move(spec)}};
}

json reference(const kube::ResourceType& type, const std::string& name) {
  return {{"apiVersion", type.api_version()}, {"kind", type.kind}, {"name", name}};
}

json cpu_metrics() {
  return json::array(
      {{{"type", "Resource"},
        {"resource", {{"name", "cpu"}, {"target", {{"type", "Utilization"}, {"averageUtilization", 60}}}}}}});
}

json deployment(const std::string& name, std::optional<int> replicas) {
  const json labels = {{"app", name}};
  json spec = {{"selector", {{"matchLabels", labels}}},
               {"template",
                {{"metadata", {{"labels", labels}}},
                 {"spec", {{"containers", {{{"name", "main"}, {"image", "registry.k8s.io/pause:3.10"}}}}}}}}};
  if (replicas) spec["replicas"] = *replicas;
  return object(kube::types::kDeployment, name, std::move(spec));
}

json target(const std::string& name, const kube::ResourceType& type, const char* tier, json engine, json replicas) {
  return object(kube::types::kScaleTarget, name,
                {{"region", "fairground"},
                 {"targetRef", reference(type, name)},
                 {"engine", std::move(engine)},
                 {"replicas", std::move(replicas)}},
                {{"tier", tier}});
}

}  // namespace

json world() {
  json all = json::array();
  const json small = {{"min", 1}, {"max", 6}, {"baseline", 1}};
  const kube::ResourceType &deployments = kube::types::kDeployment, &hpas = kube::types::kHorizontalPodAutoscaler;
  for (int i = 0; i < kShops; ++i) {
    const std::string name = absl::StrCat("shop-", i);
    all.push_back(deployment(name, std::nullopt));
    all.push_back(object(hpas, name,
                         {{"scaleTargetRef", reference(deployments, name)},
                          {"minReplicas", 1},
                          {"maxReplicas", 6},
                          {"metrics", cpu_metrics()}}));
    all.push_back(target(name, deployments, "app",
                         {{"type", "HorizontalPodAutoscaler"}, {"horizontalPodAutoscaler", {{"name", name}}}}, small));
  }
  for (int i = 0; i < kMailers; ++i) {
    const std::string name = absl::StrCat("mailer-", i);
    all.push_back(deployment(name, 1));
    all.push_back(target(name, deployments, "app", {{"type", "Scale"}}, small));
  }
  for (int i = 0; i < kStalls; ++i) {
    const std::string name = absl::StrCat("stall-", i);
    all.push_back(deployment(name, std::nullopt));
    all.push_back(target(
        name, deployments, "app",
        {{"type", "HorizontalPodAutoscaler"}, {"horizontalPodAutoscaler", {{"metrics", cpu_metrics()}}}}, small));
  }
  for (const char* name : {"ledger", "queue"}) {
    all.push_back(object(kDatabase, name, {{"instances", 2}, {"storage", {{"size", "1Gi"}}}}));
  }
  const json instances = {{"min", 2}, {"max", 4}, {"baseline", 2}};
  json ledger = target("ledger", kDatabase, "database", {{"type", "Scale"}}, instances);
  ledger["spec"]["role"] = "ReadReplica";
  ledger["spec"]["readReplica"] = {{"floor", 1}, {"counts", "Instances"}, {"maxStep", 1}, {"scaleDown", "Automatic"}};
  all.push_back(std::move(ledger));
  all.push_back(
      target("queue", kDatabase, "database", {{"type", "Field"}, {"field", {{"path", ".spec.instances"}}}}, instances));
  json region = object(kube::types::kRegion, "fairground", {{"cluster", {{"type", "Local"}}}});
  region["metadata"].erase("namespace");
  all.push_back(std::move(region));
  return all;
}

json festival(absl::Time start) {
  return object(
      kube::types::kFestivalSchedule, kFestival,
      {{"timeZone", "Asia/Kolkata"},
       {"occurrences", {{{"name", "this-year"}, {"instant", format_rfc3339_micro(start)}}}},
       {"phases",
        {{{"name", "fair"},
          {"from", "P0D"},
          {"to", "P2D"},
          {"demands",
           {{{"targets", {{"selector", {{"matchLabels", {{"tier", "app"}}}}}}}, {"multiplier", 2}},
            {{"targets", {{"selector", {{"matchLabels", {{"tier", "database"}}}}}}}, {"add", 2}}}},
          {"switches", {{{"configMap", "fair"}, {"key", "mode"}, {"value", "busy"}, {"regions", {"fairground"}}}}}}}}});
}

Sizes all_sizes(int apps, int databases) {
  Sizes sizes{{"ledger", databases}, {"queue", databases}};
  for (int i = 0; i < kShops; ++i) sizes[absl::StrCat("shop-", i)] = apps;
  for (int i = 0; i < kMailers; ++i) sizes[absl::StrCat("mailer-", i)] = apps;
  for (int i = 0; i < kStalls; ++i) sizes[absl::StrCat("stall-", i)] = apps;
  return sizes;
}

Sizes sizes_now(const Cluster& cluster) {
  Sizes sizes;
  const auto take = [&](const kube::ResourceType& type, const char* field, const char* prefix) {
    const auto page = cluster.client().list(type, kNamespace, {}, {});
    if (!page) return;
    for (const json& item : page.value().items) {
      const std::string name = item.at("metadata").at("name");
      if (name.starts_with(prefix)) sizes[name] = item.at("spec").value(field, -1);
    }
  };
  take(kube::types::kHorizontalPodAutoscaler, "minReplicas", "");
  take(kube::types::kDeployment, "replicas", "mailer-");
  take(kDatabase, "instances", "");
  return sizes;
}

}  // namespace headroom::e2e::fair
