#include "operator/plan/pod_requests.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace headroom::plan {
namespace {

TEST(PodRequests, adds_up_as_kubernetes_does) {
  const auto requests = pod_requests(nlohmann::json::parse(R"({
    "initContainers": [
      {"restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}},
      {"resources": {"requests": {"cpu": "2", "memory": "64Mi"}}}],
    "containers": [{"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "1"}}},
                   {"resources": {"limits": {"cpu": "250m"}}}],
    "overhead": {"cpu": "50m"}})"));
  const auto value = [](const char* text) { return Quantity::parse(text).value(); };
  EXPECT_EQ(requests.at("requests.cpu"), value("2150m")) << "the init container beside its sidecar, and the overhead";
  EXPECT_EQ(requests.at("requests.memory"), value("1Gi"));
  EXPECT_EQ(requests.at("limits.cpu"), value("1300m"));
  EXPECT_EQ(requests.at("pods"), value("1"));
  EXPECT_EQ(requests.count("limits.memory"), 0U);
}

TEST(SharedRequests, equal_ones_are_one_and_those_of_nobody_are_forgotten) {
  using Requests = std::map<std::string, Quantity>;
  const auto of = [](int cpus) {
    return std::make_shared<const Requests>(Requests{{"requests.cpu", Quantity::from_int(cpus)}});
  };
  SharedRequests shared;
  const PodRequests first = shared.share(of(1));
  EXPECT_EQ(shared.share(of(1)), first);
  EXPECT_NE(shared.share(of(2)), first);
  EXPECT_EQ(shared.share(of(2))->at("requests.cpu"), Quantity::from_int(2));
  EXPECT_EQ(shared.share(nullptr), nullptr);
}

}  // namespace
}  // namespace headroom::plan
