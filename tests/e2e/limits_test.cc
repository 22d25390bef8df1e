// Limits on a real API server, enforced by headroom-webhook.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/clusters.h"
#include "tests/e2e/webhooks.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

const kube::ResourceType kArtifact{"example.com", "v1", "artifacts", "Artifact", true};
const kube::ResourceType kScaleLimit{api::kGroup, api::kVersion, "scalelimits", "ScaleLimit", true};

json artifact_crd() {
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", "artifacts.example.com"}}},
          {"spec",
           {{"group", "example.com"},
            {"scope", "Namespaced"},
            {"names", {{"kind", "Artifact"}, {"plural", "artifacts"}, {"singular", "artifact"}}},
            {"versions",
             {{{"name", "v1"},
               {"served", true},
               {"storage", true},
               {"schema",
                {{"openAPIV3Schema", {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}}}}}}}}}}};
}

json artifact(const std::string& ns, const std::string& name, const json& spec = json::object()) {
  return {{"apiVersion", kArtifact.api_version()},
          {"kind", kArtifact.kind},
          {"metadata", {{"namespace", ns}, {"name", name}}},
          {"spec", spec}};
}

json scale_limit(const std::string& ns, const std::string& name, const json& total) {
  return {{"apiVersion", kScaleLimit.api_version()},
          {"kind", "ScaleLimit"},
          {"metadata", {{"namespace", ns}, {"name", name}}},
          {"spec",
           {{"match", {{"resources", {{{"group", "example.com"}, {"version", "v1"}, {"resource", "artifacts"}}}}}},
            {"total", total}}}};
}

class Limits : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    Cluster& cluster = Cluster::named("limits", {"--without-controllers", "--apiserver-flag=--request-timeout=10s"});
    cluster.kubectl("create namespace headroom-system");
    ASSERT_TRUE(cluster.client().create(kube::types::kCustomResourceDefinition, artifact_crd(), {}));
    cluster.kubectl("wait --for condition=established crd/artifacts.example.com");
  }

  Cluster& cluster_ = Cluster::named("limits");
  kube::Client& client_ = cluster_.client();

  Result<json> create(const json& object) { return client_.create(kArtifact, object, {}); }
};

TEST_F(Limits, let_through_exactly_as_many_objects_as_the_limit_says) {
  cluster_.kubectl("create namespace counted");
  ASSERT_TRUE(client_.create(kScaleLimit, scale_limit("counted", "artifacts", {{"count", 5}}), {}));
  Webhooks webhooks(cluster_, 1, {"--request-deadline-seconds", "12"});
  ASSERT_TRUE(webhooks.wait_ready(20)) << webhooks.replica(0).log();
  ASSERT_TRUE(eventually(10, [&] {
    return !cluster_.kubectl("get validatingwebhookconfiguration headroom --ignore-not-found -o name").empty();
  }));
  for (int i = 0; i < 5; ++i) {
    const auto created = create(artifact("counted", absl::StrCat("a", i)));
    ASSERT_TRUE(created) << created.error().message;
  }
  const auto refused = create(artifact("counted", "one-too-many"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().http_status, 403) << refused.error().message;
  EXPECT_NE(refused.error().message.find("ScaleLimit counted/artifacts: over count: used 5, asked 1, hard 5"),
            std::string::npos)
      << refused.error().message;
  ASSERT_TRUE(client_.remove(kArtifact, {"counted", "a3"}, {}, {}));
  const auto created = create(artifact("counted", "after-a-delete"));
  EXPECT_TRUE(created) << created.error().message;
  if (HasFailure()) std::cerr << webhooks.replica(0).log();
}

}  // namespace
}  // namespace headroom::e2e
