// The agents' three and ten regions: what a user applies, what reaches each region, and what is refused. The figures
// are the systems' own, written by hand.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/e2e/agent_regions.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;
using Objects = std::map<std::string, json>;

absl::Time utc(const std::string& civil) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M:%S", civil, &time, &error)) << civil << ": " << error;
  return time;
}

class Agents : public AgentRegions {};

// ---- six months

const std::vector<std::string> kThree = {"us-east-1", "eu-west-1", "ap-south-1"};

RegionRow of_three(const char* name, int sustained, int agents, const char* law, const char* residency,
                   const std::map<std::string, std::string>& differing) {
  RegionRow row{name,
                {{"sustained-rps", static_cast<double>(sustained)},
                 {"peak-rps", 400},
                 {"agents", static_cast<double>(agents)},
                 {"vcpu", 8},
                 {"memory", 32e9},
                 {"storage", 200e9}},
                {law},
                residency,
                {{"REGION_ID", name},
                 {"SUSTAINED_RPS", std::to_string(sustained)},
                 {"PEAK_RPS", "400"},
                 {"MAX_PAYLOAD_BYTES", "1000000"},
                 {"DATA_RESIDENCY", residency},
                 {"PRIVACY", "standard"},
                 {"ML_BLENDING", "on"}}};
  for (const auto& [key, value] : differing) row.parameters[key] = value;
  return row;
}

/// minReplicas and maxReplicas of the autoscaler that Headroom makes in each of the three regions.
json autoscalers() {
  json found = json::array();
  for (const std::string& region : kThree) {
    const auto hpa =
        Cluster::named(region).client().get(kube::types::kHorizontalPodAutoscaler, {"agents", "agents-" + region}, {});
    found.push_back(hpa ? json::array({hpa.value()["spec"]["minReplicas"], hpa.value()["spec"]["maxReplicas"]})
                        : json());
  }
  return found;
}

TEST_F(Agents, three_regions_get_their_settings_and_autoscalers_and_carry_the_load_test_to_their_capacity) {
  apply_sample("agents-6-month", kThree);
  // Beside the refused target of the sample, two that would have to write.
  home().kubectl(absl::StrCat("-n ", kNamespace, " create deployment eu-agents --image=registry.k8s.io/pause:3.10"));
  home().kubectl(absl::StrCat("-n ", kNamespace, " wait deployment eu-agents --for=condition=Available --timeout=60s"));
  for (const char* engine : {"Scale", "HorizontalPodAutoscaler"}) {
    json spec = {{"region", "us-east-1"},
                 {"targetRef", {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", "eu-agents"}}},
                 {"replicas", {{"min", 1}, {"max", 8}}},
                 {"engine", {{"type", engine}}},
                 {"requires", {{"compliance", {"EU_GDPR"}}, {"residency", "Strict"}}}};
    if (engine == std::string("HorizontalPodAutoscaler")) {
      spec["engine"]["horizontalPodAutoscaler"]["metrics"] = {
          {{"type", "Resource"},
           {"resource", {{"name", "cpu"}, {"target", {{"type", "Utilization"}, {"averageUtilization", 70}}}}}}};
    }
    const std::string name = absl::StrCat("eu-by-", engine == std::string("Scale") ? "scale" : "autoscaler");
    const auto created = home().client().create(kube::types::kScaleTarget,
                                                {{"apiVersion", "headroom.dev/v1alpha1"},
                                                 {"kind", "ScaleTarget"},
                                                 {"metadata", {{"name", name}, {"namespace", kNamespace}}},
                                                 {"spec", spec}},
                                                {});
    EXPECT_TRUE(created) << created.error().message;
  }
  before_["us-east-1"] = home().metadata_and_spec(kNamespace);

  FakeClock clock(utc("2026-11-20 00:00:00"));
  EmbeddedOperator headroom(home(), clock);
  expect_region(of_three("us-east-1", 200, 350, "CCPA", "Open", {}));
  expect_region(of_three("eu-west-1", 200, 350, "EU_GDPR", "Strict",
                         {{"PRIVACY", "differential"}, {"PRIVACY_EPSILON", "1.0"}, {"REDACTION", "aggressive"}}));
  expect_region(of_three("ap-south-1", 150, 300, "INDIA_IT_ACT", "Open", {{"ML_BLENDING", "off"}}));
  for (const std::string& region : kThree) expect_placed("agents-" + region);
  for (const char* refused : {"eu-agents-in-us-east-1", "eu-by-scale", "eu-by-autoscaler"}) {
    expect_refused(refused, "us-east-1", {"EU_GDPR", "dataResidency", "Strict"});
  }

  // The autoscaler as the sample asks for it: CPU 70 %.
  const json hpa = cluster("eu-west-1").get(kube::types::kHorizontalPodAutoscaler, kNamespace, "agents-eu-west-1");
  EXPECT_EQ(hpa["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 70);
  EXPECT_EQ(hpa["spec"]["scaleTargetRef"]["name"], "agents");

  const json normal = {{2, 8}, {2, 8}, {2, 8}}, full = {{8, 8}, {8, 8}, {8, 8}};
  const auto expect = [&](const char* at, const json& sizes) {
    clock.advance_to(utc(at));
    EXPECT_TRUE(eventually(30, [&] { return autoscalers() == sizes; })) << at << ": " << autoscalers();
    settle(headroom);
    EXPECT_EQ(autoscalers(), sizes) << at;
  };
  expect("2026-12-01 08:59:59", normal);
  expect("2026-12-01 09:00:00", full);
  EXPECT_TRUE(eventually(30, [] {
    return std::ranges::all_of(
        kThree, [](const std::string& region) { return is_ready(kube::types::kScaleTarget, "agents-" + region); });
  }));
  for (const std::string& region : kThree) EXPECT_EQ(replicas(region), 8) << region;
  // 3 regions carry 550 rps and 1,000 agents where 450 and 1,050 had been declared; nothing is left over.
  EXPECT_TRUE(eventually(10, [&] { return total("sustained-rps", "planned") == 550; }));
  EXPECT_EQ(total("sustained-rps", "hard"), 550);
  EXPECT_TRUE(eventually(10, [&] { return total("agents", "planned") == 1000; }));
  EXPECT_EQ(total("agents", "hard"), 1000);
  EXPECT_TRUE(eventually(10, [&] { return total("peak-rps", "planned") == 1200 && total("vcpu", "planned") == 24; }));
  for (const std::string& region : kThree) {
    EXPECT_EQ(condition(kube::types::kRegion, region, "CapacityAvailable").value("status", ""), "True") << region;
  }

  // A region that loses a quarter of its processors caps what it carries, and says so; the others go on.
  const auto give_vcpu = [&](int cores) {
    json capacity = home().get(kube::types::kRegion, "", "eu-west-1")["spec"]["capacity"];
    for (json& one : capacity) {
      if (one["name"] == "vcpu") one["hard"] = cores;
    }
    EXPECT_TRUE(home().client().patch(kube::types::kRegion, {"", "eu-west-1"}, kube::PatchType::Merge,
                                      {{"spec", {{"capacity", capacity}}}}, {}));
  };
  give_vcpu(6);
  expect("2026-12-01 09:30:00", {{8, 8}, {6, 8}, {8, 8}});
  EXPECT_TRUE(eventually(10, [] {
    return condition(kube::types::kScaleTarget, "agents-eu-west-1", "Capped").value("message", "") ==
           "8 wanted, 6 decided: capped by region eu-west-1 to 6 (wanted 8): vcpu wanted 8, has 6";
  })) << condition(kube::types::kScaleTarget, "agents-eu-west-1", "Capped");
  EXPECT_EQ(condition(kube::types::kScaleTarget, "agents-eu-west-1", "Capped").value("reason", ""), "RegionCapacity");
  EXPECT_EQ(condition(kube::types::kScaleTarget, "agents-us-east-1", "Capped"), json::object());
  give_vcpu(8);
  expect("2026-12-01 10:59:59", full);
  EXPECT_TRUE(
      eventually(10, [] { return condition(kube::types::kScaleTarget, "agents-eu-west-1", "Capped").empty(); }));

  // All through the test the refused ones got nothing.
  Objects now = home().metadata_and_spec(kNamespace);
  EXPECT_EQ(now.at("Deployment eu-agents"), before_["us-east-1"].at("Deployment eu-agents"));
  EXPECT_FALSE(now.contains("HorizontalPodAutoscaler eu-by-autoscaler"));
  EXPECT_EQ(now.at("Deployment agents")["metadata"], before_["us-east-1"].at("Deployment agents")["metadata"]);

  // A region that promises what they require takes them in at once; one that no longer does holds them as they are.
  home().kubectl(absl::StrCat("-n ", kNamespace, " delete scaletarget eu-by-autoscaler --timeout=30s"));
  const auto promise = [](const json& laws, const char* residency) {
    EXPECT_TRUE(home().client().patch(kube::types::kRegion, {"", "us-east-1"}, kube::PatchType::Merge,
                                      {{"spec", {{"compliance", laws}, {"dataResidency", residency}}}}, {}));
  };
  const auto eu_agents = [] { return home().metadata_and_spec(kNamespace).at("Deployment eu-agents"); };
  promise({"CCPA", "EU_GDPR"}, "Strict");
  EXPECT_TRUE(eventually(30, [&] { return eu_agents()["spec"]["replicas"] == 8; })) << eu_agents();
  expect_placed("eu-by-scale");
  promise({"CCPA"}, "Open");
  expect_refused("eu-by-scale", "us-east-1", {"EU_GDPR", "Strict"});
  settle(headroom);
  EXPECT_EQ(eu_agents()["spec"]["replicas"], 8);

  expect("2026-12-01 11:00:00", normal);
  EXPECT_TRUE(eventually(30, [&] { return eu_agents() == before_["us-east-1"].at("Deployment eu-agents"); }))
      << json::diff(before_["us-east-1"].at("Deployment eu-agents"), eu_agents());
  remove_sample();
}

// ---- twelve months

const std::vector<std::string> kCore = {"us-east-1", "eu-west-1", "ap-south-1"};
const std::vector<std::string> kAmericas = {"us-west-2", "ca-central-1", "sa-east-1"};
const std::vector<std::string> kEmea = {"eu-central-1", "me-south-1"};
const std::vector<std::string> kAsiaPacific = {"ap-northeast-1", "ap-southeast-1"};

std::vector<RegionRow> ten_regions() {
  const std::pair<const char*, std::vector<std::string>> laws[] = {{"us-east-1", {"CCPA"}},
                                                                   {"us-west-2", {"CCPA"}},
                                                                   {"ca-central-1", {"PIPEDA", "QUEBEC_LAW_25"}},
                                                                   {"sa-east-1", {"LGPD"}},
                                                                   {"eu-west-1", {"EU_GDPR"}},
                                                                   {"eu-central-1", {"EU_GDPR", "EU_AI_ACT", "BDSG"}},
                                                                   {"ap-south-1", {"INDIA_IT_ACT"}},
                                                                   {"ap-northeast-1", {"APPI"}},
                                                                   {"ap-southeast-1", {"SG_PDPA"}},
                                                                   {"me-south-1", {"PDPL"}}};
  std::vector<RegionRow> rows;
  for (const auto& [name, law] : laws) {
    // Sovereignty in Canada, strict residency in Brazil and Bahrain.
    const bool strict =
        name == std::string("ca-central-1") || name == std::string("sa-east-1") || name == std::string("me-south-1");
    const char* residency = strict ? "Strict" : "Open";
    RegionRow row{name,
                  {{"sustained-rps", 100},
                   {"peak-rps", 500},
                   {"agents", 1000},
                   {"actions", 10e6},
                   {"vcpu", 16},
                   {"storage", 500e9}},
                  law,
                  residency,
                  {{"REGION_ID", name}, {"SUSTAINED_RPS", "100"}, {"PEAK_RPS", "500"}, {"DATA_RESIDENCY", residency}}};
    if (name == std::string("ca-central-1")) row.parameters["SOVEREIGNTY"] = "on";
    if (name == std::string("eu-central-1")) row.parameters["REDACTION"] = "enhanced";
    rows.push_back(std::move(row));
  }
  return rows;
}

TEST_F(Agents, ten_regions_launch_in_four_waves_each_behind_the_one_before) {
  std::vector<std::string> regions;
  for (const auto& wave : {kCore, kAmericas, kEmea, kAsiaPacific})
    regions.insert(regions.end(), wave.begin(), wave.end());
  apply_sample("agents-12-month", regions);
  FakeClock clock(utc("2027-02-20 00:00:00"));
  EmbeddedOperator headroom(home(), clock);
  for (const RegionRow& row : ten_regions()) expect_region(row);
  for (const std::string& region : regions) expect_placed("agents-" + region);
  expect_refused("brazil-in-us-east-1", "us-east-1", {"LGPD", "dataResidency", "Strict"});
  const std::pair<const char*, double> totals[] = {
      {"sustained-rps", 1'000}, {"peak-rps", 5'000}, {"agents", 10'000}, {"actions", 100e6}};
  for (const auto& [dimension, sum] : totals) EXPECT_EQ(total(dimension, "hard"), sum) << dimension;

  const auto expect = [&](int core, int americas, int emea, int asia_pacific) {
    const auto wave_has = [](const std::vector<std::string>& wave, int size) {
      return std::ranges::all_of(wave, [&](const std::string& region) { return replicas(region) == size; });
    };
    const auto all = [&] {
      return wave_has(kCore, core) && wave_has(kAmericas, americas) && wave_has(kEmea, emea) &&
             wave_has(kAsiaPacific, asia_pacific);
    };
    std::string found;
    EXPECT_TRUE(eventually(30, all));
    settle(headroom);
    for (const std::string& region : regions) absl::StrAppend(&found, region, " ", replicas(region), ", ");
    EXPECT_TRUE(all()) << "expected " << core << " " << americas << " " << emea << " " << asia_pacific << "; found "
                       << found;
  };
  const auto ready = [](const std::string& region) { play(region, 16); };
  const auto waits = [](const std::string& region, const std::string& words) {
    return eventually(10, [&] {
      return status_of(kube::types::kScaleTarget, "agents-" + region).value("explanation", json()).dump().find(words) !=
             std::string::npos;
    });
  };
  clock.advance_to(utc("2027-02-28 23:59:59"));
  expect(8, 8, 8, 8);
  clock.advance_to(utc("2027-03-01 00:00:00"));
  expect(16, 16, 8, 8);  // the core is ready within a moment
  EXPECT_TRUE(waits("me-south-1", "waiting for wave americas: agents-ca-central-1 8 of 16 ready and 2 more"));
  ready("ca-central-1");
  ready("us-west-2");
  expect(16, 16, 8, 8);
  EXPECT_TRUE(waits("eu-central-1", "waiting for wave americas: agents-sa-east-1 8 of 16 ready"));
  ready("sa-east-1");
  expect(16, 16, 16, 8);
  ready("me-south-1");
  EXPECT_TRUE(waits("ap-northeast-1", "waiting for wave europe-and-middle-east: agents-eu-central-1 8 of 16 ready"));
  clock.advance_to(utc("2027-03-01 00:29:59"));
  expect(16, 16, 16, 8);
  clock.advance_to(utc("2027-03-01 00:30:00"));  // eu-central-1 never gets there; nobody waits longer than this
  expect(16, 16, 16, 16);
  for (const char* region : {"eu-central-1", "ap-northeast-1", "ap-southeast-1"}) ready(region);
  for (const auto& [dimension, sum] : totals) {
    EXPECT_TRUE(eventually(10, [&, name = dimension, wanted = sum] { return total(name, "planned") == wanted; }))
        << dimension << " " << total(dimension, "planned");
  }
  EXPECT_TRUE(condition(kube::types::kScaleTarget, "brazil-in-us-east-1", "Ready").value("status", "") == "False");
  clock.advance_to(utc("2027-03-07 23:59:59"));
  expect(16, 16, 16, 16);
  clock.advance_to(utc("2027-03-08 00:00:00"));
  expect(8, 8, 8, 8);
  for (const std::string& region : regions) {
    if (is_played(region)) play(region, 8);
    Objects now = cluster(region).metadata_and_spec(kNamespace);
    now.erase("ConfigMap headroom-region");
    EXPECT_EQ(json(now), json(before_.at(region))) << json::diff(json(before_.at(region)), json(now));
  }
  remove_sample();
}

}  // namespace
}  // namespace headroom::e2e
