#include "operator/api/region.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/api/full_objects.h"
#include "tests/api/mutation.h"
#include "tests/support/full_status.h"

namespace headroom::api {
namespace {

using nlohmann::json;
using testing_support::full_region_status;

RegionSpec spec_of(const json& object) {
  const Result<Region> region = region_from_json(object);
  EXPECT_TRUE(region) << (region ? "" : region.error().message);
  return region ? region.value().spec : RegionSpec();
}

TEST(Region, reads_every_field) {
  RegionSpec expected;
  expected.cluster = {RegionCluster::Type::Kubeconfig, SecretKeyRef{"headroom-system", "chennai-kubeconfig", "value"}};
  expected.capacity = {{"pods", Quantity::from_int(300), "sum(kube_pod_info)"},
                       {"storage", Quantity::from_int(200'000'000'000), ""}};
  expected.metrics = RegionMetrics{
      "https://prometheus.chennai.example", SecretKeyRef{"headroom-system", "prometheus", "token"},
      SecretKeyRef{"headroom-system", "prometheus", "bundle.pem"}, "X-Scope-OrgID: erp", absl::Minutes(2)};
  expected.compliance = {"INDIA_IT_ACT"};
  expected.data_residency = RegionSpec::DataResidency::Strict;
  expected.parameters = {{"region", "chennai"}};
  expected.parameter_namespaces = {"erp"};
  HealthProbe ingress, db, api, up;
  ingress.name = "ingress";
  ingress.type = HealthProbe::Type::HTTP;
  ingress.url = "https://erp.chennai.example/health";
  ingress.interval = absl::Seconds(5);
  ingress.timeout = absl::Seconds(1);
  ingress.failure_threshold = 2;
  db.name = "db";
  db.type = HealthProbe::Type::TCP;
  db.address = "db.chennai.example:5432";
  api.name = "api";
  up.name = "up";
  up.type = HealthProbe::Type::Prometheus;
  up.query = "up > 0";
  expected.health = {{ingress, db, api, up}, RegionHealth::Policy::Majority, absl::Seconds(30)};
  expected.allowed_namespaces.from = AllowedNamespaces::From::Selector;
  expected.allowed_namespaces.selector = LabelSelector{{{"team", "erp"}}, {}};

  EXPECT_EQ(spec_of(full_region()), expected);
}

TEST(Region, without_a_spec_is_the_operators_own_cluster) {
  const RegionSpec spec = spec_of(json::parse(R"({"metadata": {"name": "local"}})"));
  EXPECT_EQ(spec, RegionSpec());
  EXPECT_EQ(spec.cluster.type, RegionCluster::Type::Local);
  EXPECT_EQ(spec.allowed_namespaces.from, AllowedNamespaces::From::All);
}

TEST(Region, says_what_is_wrong_and_where) {
  const Mutation table[] = {
      {"/spec", "[]", "spec: must be an object, not a list"},
      {"/spec/cluster/type", "\"Remote\"", "spec.cluster.type: must be one of Local, Kubeconfig, not \"Remote\""},
      {"/spec/cluster/kubeconfigSecretRef", "", "spec.cluster.kubeconfigSecretRef: type Kubeconfig needs"},
      {"/spec/cluster/type", "\"Local\"", "spec.cluster.kubeconfigSecretRef: type Local uses"},
      {"/spec/cluster/kubeconfigSecretRef/name", "", "spec.cluster.kubeconfigSecretRef.name: must be a string"},
      {"/spec/capacity/0/hard", "", "spec.capacity[0].hard: must be a quantity"},
      {"/spec/capacity/1/hard", "\"lots\"", "spec.capacity[1].hard: "},
      {"/spec/capacity/1/name", "7", "spec.capacity[1].name: must be a string"},
      {"/spec/metrics/url", "\"\"", "spec.metrics.url: must be a string that is not empty"},
      {"/spec/metrics/staleness", "\"soon\"", "spec.metrics.staleness: duration \"soon\""},
      {"/spec/compliance", "\"GDPR\"", "spec.compliance: must be a list, not \"GDPR\""},
      {"/spec/compliance/0", "1", "spec.compliance[0]: must be a string, not 1"},
      {"/spec/dataResidency", "\"Loose\"", "spec.dataResidency: must be one of Open, Strict"},
      {"/spec/parameters/region", "true", "spec.parameters.region: must be a string, not true"},
      {"/spec/health/probes/0/http", "", "spec.health.probes[0].http: type HTTP needs http.url"},
      {"/spec/health/probes/1/tcp", "", "spec.health.probes[1].tcp: type TCP needs tcp.address"},
      {"/spec/health/probes/3/prometheus", "", "spec.health.probes[3].prometheus: type Prometheus needs"},
      {"/spec/health/probes/2/failureThreshold", "0", "spec.health.probes[2].failureThreshold: must be a whole number"},
      {"/spec/health/policy", "\"Most\"", "spec.health.policy: must be one of All, Majority, Any"},
      {"/spec/allowedNamespaces/selector", "", "spec.allowedNamespaces.selector: from: Selector needs"},
      {"/spec/allowedNamespaces/from", "\"None\"", "spec.allowedNamespaces.from: must be one of All, Selector, Same"},
  };
  for (const Mutation& mutation : table) {
    const Result<Region> region = region_from_json(mutated(full_region(), mutation));
    ASSERT_FALSE(region) << mutation.pointer;
    EXPECT_EQ(region.error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(region.error().message.find(mutation.error), 0u) << region.error().message;
  }
}

TEST(Region, reads_back_the_status_that_was_written) {
  json object = {{"metadata", {{"name", "chennai"}}}, {"status", to_json(full_region_status())}};
  const Result<Region> region = region_from_json(object);
  ASSERT_TRUE(region) << region.error().message;
  EXPECT_EQ(region.value().status, full_region_status());
}

TEST(Region, quantities_keep_the_family_that_they_are_written_in) {
  const Result<Region> region = region_from_json(json::parse(R"({"metadata": {"name": "chennai"},
      "spec": {"capacity": [{"name": "a", "hard": "32G"}, {"name": "b", "hard": "32Gi"}, {"name": "c", "hard": "3e9"},
                            {"name": "d", "hard": 2048}]},
      "status": {"capacity": [{"name": "b", "hard": "512", "planned": "0", "used": "2Ki"}]}})"));
  ASSERT_TRUE(region) << region.error().message;
  std::vector<QuantityFormat> formats;
  for (const RegionCapacity& one : region.value().spec.capacity) formats.push_back(one.format);
  using enum QuantityFormat;
  EXPECT_EQ(formats, (std::vector{DecimalSI, BinarySI, DecimalExponent, DecimalSI}));
  EXPECT_EQ(to_json(region.value().status)["capacity"][0]["used"], "2Ki") << "a small capacity does not show it";
}

TEST(Region, writes_a_status_that_says_nothing_in_few_words) {
  EXPECT_EQ(to_json(RegionStatus()), json::parse(R"({"observedGeneration": 0, "conditions": [], "targets": 0})"));
}

}  // namespace
}  // namespace headroom::api
