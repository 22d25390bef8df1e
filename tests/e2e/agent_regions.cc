#include "tests/e2e/agent_regions.h"

#include <absl/strings/str_cat.h>

#include <set>

#include "operator/base/quantity.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;
using Objects = std::map<std::string, json>;

double number(const json& value) {
  const auto quantity = Quantity::parse(value.is_string() ? value.get<std::string>() : value.dump());
  EXPECT_TRUE(quantity) << value;
  return quantity ? quantity.value().to_double() : 0;
}
}  // namespace

bool AgentRegions::is_played(const std::string& region) {
  return region != "us-east-1" && region != "eu-west-1" && region != "ap-south-1";
}

void AgentRegions::apply_sample(const std::string& sample, const std::vector<std::string>& regions) {
  sample_ = absl::StrCat("manifests/samples/", sample, "/");
  regions_ = regions;
  static std::set<std::string> known;  // regions whose kubeconfig the home cluster has
  std::vector<std::string> real, played;
  for (const std::string& region : regions) (is_played(region) ? played : real).push_back(region);
  Cluster::start(real);
  Cluster::start(played, {"--without-controllers"});
  std::vector<std::string> unknown;
  for (const std::string& region : regions) {
    if (known.insert(region).second) unknown.push_back(region);
  }
  if (!unknown.empty()) home().know(unknown);
  for (const std::string& region : regions) {
    cluster(region).kubectl(absl::StrCat("apply -f ", sample_, "every-region/"));
    if (is_played(region)) play(region, replicas(region));
    EXPECT_TRUE(
        eventually(60, [&] { return deployment(region)["status"].value("readyReplicas", 0) == replicas(region); }))
        << region << ": " << deployment(region);
  }
  home().kubectl(absl::StrCat("apply -f ", sample_));
  for (const std::string& region : regions) before_[region] = cluster(region).metadata_and_spec(kNamespace);
}

void AgentRegions::remove_sample() {
  home().kubectl(absl::StrCat("-n ", kNamespace, " delete festivalschedules,scaletargets --all --timeout=60s"));
  for (const std::string& region : regions_) {
    const auto comparable = [](Objects objects) {
      objects.erase("ConfigMap headroom-region");  // the Region is still there
      // What an HPA has raised stays after it.
      objects.at("Deployment agents")["spec"].erase("replicas");
      return objects;
    };
    Objects now;
    EXPECT_TRUE(eventually(20,
                           [&] {
                             return comparable(now = cluster(region).metadata_and_spec(kNamespace)) ==
                                    comparable(before_.at(region));
                           }))
        << region << json::diff(json(comparable(before_.at(region))), json(comparable(now))).dump(1);
  }
  home().kubectl("delete regions --all --timeout=30s");
  for (const std::string& region : regions_) {
    cluster(region).kubectl(absl::StrCat("-n ", kNamespace, " delete deployments --all --timeout=60s"));
    EXPECT_FALSE(cluster(region).metadata_and_spec(kNamespace).contains("ConfigMap headroom-region"))
        << region << ": a Region takes with it what it has put into its cluster";
  }
}

json AgentRegions::deployment(const std::string& region) {
  return cluster(region).get(kube::types::kDeployment, kNamespace, "agents");
}
int AgentRegions::replicas(const std::string& region) { return deployment(region)["spec"].value("replicas", -1); }

void AgentRegions::play(const std::string& region, int ready) {
  const json stored = deployment(region);
  const json status = {{"observedGeneration", stored["metadata"]["generation"]},
                       {"replicas", ready},
                       {"updatedReplicas", ready},
                       {"readyReplicas", ready},
                       {"availableReplicas", ready}};
  const auto written =
      cluster(region).client().patch(kube::types::kDeployment, {kNamespace, "agents"}, kube::PatchType::Merge,
                                     {{"status", status}}, {}, {.force = false, .subresource = "status"});
  EXPECT_TRUE(written) << written.error().message;
}

json AgentRegions::status_of(const kube::ResourceType& type, const std::string& name) {
  return home().status_of(type, type.namespaced ? kNamespace : "", name);
}
json AgentRegions::condition(const kube::ResourceType& type, const std::string& name, const std::string& kind) {
  return home().condition(type, type.namespaced ? kNamespace : "", name, kind);
}
bool AgentRegions::is_ready(const kube::ResourceType& type, const std::string& name) {
  return condition(type, name, "Ready").value("status", "") == "True";
}

void AgentRegions::expect_region(const RegionRow& row) {
  EXPECT_TRUE(eventually(30, [&] { return is_ready(kube::types::kRegion, row.name); }))
      << row.name << ": " << status_of(kube::types::kRegion, row.name);
  std::map<std::string, double> capacity;
  for (const json& one : status_of(kube::types::kRegion, row.name).value("capacity", json::array())) {
    capacity[one.at("name")] = number(one.at("hard"));
  }
  EXPECT_EQ(capacity, row.capacity) << row.name;
  const json spec = home().get(kube::types::kRegion, "", row.name)["spec"];
  EXPECT_EQ(spec["compliance"], json(row.laws)) << row.name;
  EXPECT_EQ(spec["dataResidency"], row.residency) << row.name;
  const json settings = cluster(row.name).get(kube::types::kConfigMap, kNamespace, "headroom-region");
  ASSERT_TRUE(settings.is_object()) << row.name;
  EXPECT_EQ(settings["data"], json(row.parameters)) << row.name;
  EXPECT_EQ(settings["metadata"]["labels"]["headroom.dev/region"], row.name);
}

void AgentRegions::expect_placed(const std::string& target) {
  EXPECT_TRUE(eventually(30, [&] { return is_ready(kube::types::kScaleTarget, target); }))
      << status_of(kube::types::kScaleTarget, target);
}

void AgentRegions::expect_refused(const std::string& target, const std::string& region,
                                  const std::vector<std::string>& missing) {
  EXPECT_TRUE(eventually(30, [&] {
    return condition(kube::types::kScaleTarget, target, "Ready").value("reason", "") == "RequirementsNotMet";
  })) << status_of(kube::types::kScaleTarget, target);
  const json told = condition(kube::types::kScaleTarget, target, "Ready");
  EXPECT_EQ(told.value("status", ""), "False");
  EXPECT_EQ(condition(kube::types::kScaleTarget, target, "Stalled").value("status", ""), "True");
  for (const std::string& word : missing) EXPECT_NE(told.value("message", "").find(word), std::string::npos) << told;
  EXPECT_NE(told.value("message", "").find(absl::StrCat("Region ", region)), std::string::npos) << told;
}

double AgentRegions::total(const std::string& dimension, const char* figure) const {
  double sum = 0;
  for (const std::string& region : regions_) {
    for (const json& one : status_of(kube::types::kRegion, region).value("capacity", json::array())) {
      if (one.at("name") != dimension) continue;
      sum += number(one.at(figure));
    }
  }
  return sum;
}

void AgentRegions::settle(EmbeddedOperator& headroom) {
  EXPECT_TRUE(headroom.get().wait_settled(std::chrono::seconds(30)));
}

}  // namespace headroom::e2e
