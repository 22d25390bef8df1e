#include "tests/e2e/limits_home.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

namespace headroom::e2e {
namespace {

using nlohmann::json;

// Artifacts in here are refused, by a limit of none: a refusal says that the API server asks the webhooks.
constexpr char kNothing[] = "nothing";

json artifact_crd() {
  const json schema = {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", "artifacts.example.com"}}},
          {"spec",
           {{"group", "example.com"},
            {"scope", "Namespaced"},
            {"names", {{"kind", "Artifact"}, {"plural", "artifacts"}, {"singular", "artifact"}}},
            {"versions",
             {{{"name", "v1"}, {"served", true}, {"storage", true}, {"schema", {{"openAPIV3Schema", schema}}}}}}}}};
}

}  // namespace

Cluster& limits_home() {
  static bool furnished = false;
  Cluster& cluster = Cluster::named("limits", {"--without-controllers", "--apiserver-flag=--request-timeout=10s"});
  if (!furnished) {
    furnished = true;
    cluster.kubectl("create namespace headroom-system");
    EXPECT_TRUE(cluster.client().create(kube::types::kCustomResourceDefinition, artifact_crd(), {}));
    cluster.kubectl("wait --for condition=established crd/artifacts.example.com");
    limit_namespace(kNothing, {scale_limit(kNothing, kNothing, {{"count", 0}})});
  }
  return cluster;
}

std::vector<std::string> limits_arguments() { return {"--request-deadline-seconds", "12", "--lease-seconds", "3"}; }

json artifact(const std::string& ns, const std::string& name, std::int64_t size) {
  return {{"apiVersion", kArtifact.api_version()},
          {"kind", kArtifact.kind},
          {"metadata", {{"namespace", ns}, {"name", name}}},
          {"spec", {{"size", size}}}};
}

json scale_limit(const std::string& ns, const std::string& name, const json& total) {
  return {{"apiVersion", kScaleLimit.api_version()},
          {"kind", kScaleLimit.kind},
          {"metadata", {{"namespace", ns}, {"name", name}}},
          {"spec",
           {{"match", {{"resources", {{{"group", "example.com"}, {"version", "v1"}, {"resource", "artifacts"}}}}}},
            {"total", total}}}};
}

json sum(std::int64_t hard) { return {{"name", "size"}, {"path", ".spec.size"}, {"hard", hard}}; }

void limit_namespace(const std::string& ns, const std::vector<json>& limits) {
  const auto made = limits_home().client().create(
      kube::types::kNamespace, {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns}}}}, {});
  EXPECT_TRUE(made) << made.error().message;
  for (const json& limit : limits) {
    const auto created = limits_home().client().create(kScaleLimit, limit, {});
    EXPECT_TRUE(created) << created.error().message;
  }
}

::testing::AssertionResult in_force(Webhooks& webhooks, std::size_t replicas, const std::string& ns,
                                    const std::vector<std::string>& limits, int generation) {
  kube::Client& client = limits_home().client();
  if (!webhooks.wait_ready(30)) return ::testing::AssertionFailure() << "the webhooks are not ready";
  const auto judged_by = [&](std::size_t replica) {
    const std::string metrics = webhooks.replica(replica).ask("/metrics");
    return std::ranges::all_of(limits, [&](const std::string& limit) {
      return metrics.find(absl::StrCat("headroom_limit_generation_in_force{kind=\"ScaleLimit\",limit=\"", limit,
                                       "\",namespace=\"", ns, "\"} ", generation, "\n")) != std::string::npos;
    });
  };
  for (std::size_t i = 0; i < replicas; ++i) {
    if (!eventually(30, [&] { return judged_by(i); })) {
      return ::testing::AssertionFailure() << "replica " << i << " does not judge by it";
    }
  }
  std::string last;
  const auto asked = [&] {
    const auto refused = client.create(kArtifact, artifact(kNothing, "probe"), {});
    last = refused ? "created" : refused.error().message;
    return !refused && refused.error().http_status == 403;
  };
  if (!eventually(30, asked)) return ::testing::AssertionFailure() << "the API server does not ask: " << last;
  return ::testing::AssertionSuccess();
}

}  // namespace headroom::e2e
