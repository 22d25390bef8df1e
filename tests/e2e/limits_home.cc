#include "tests/e2e/limits_home.h"

#include <absl/strings/str_cat.h>

namespace headroom::e2e {
namespace {

using nlohmann::json;

// Artifacts in here are refused, by a limit of none: a refusal says that the API server asks the webhooks.
constexpr char kNothing[] = "nothing";

json definition_of(const kube::ResourceType& type) {
  const json schema = {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
  const json version = {
      {"name", "v1"},
      {"served", true},
      {"storage", true},
      {"schema", {{"openAPIV3Schema", schema}}},
      {"subresources", {{"scale", {{"specReplicasPath", ".spec.size"}, {"statusReplicasPath", ".status.size"}}}}}};
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", type.to_string()}}},
          {"spec",
           {{"group", type.group},
            {"scope", "Namespaced"},
            {"names", {{"kind", type.kind}, {"plural", type.plural}}},
            {"versions", json::array({version})}}}};
}

}  // namespace

Cluster& limits_home() {
  static bool furnished = false;
  Cluster& cluster = Cluster::named("limits", {"--without-controllers", "--apiserver-flag=--request-timeout=10s",
                                               "--apiserver-flag=--storage-media-type=application/json"});
  if (!furnished) {
    furnished = true;
    cluster.rights().let_limit(kArtifact.group, {kArtifact.plural});
    define(kArtifact);
    limit_namespace(kNothing, {scale_limit(kNothing, kNothing, {{"count", 0}})});
  }
  return cluster;
}

void define(const kube::ResourceType& type) {
  const auto defined = limits_home().client().create(kube::types::kCustomResourceDefinition, definition_of(type), {});
  EXPECT_TRUE(defined) << defined.error().message;
  limits_home().kubectl(absl::StrCat("wait --for condition=established crd/", type.to_string()));
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

::testing::AssertionResult judged_by(Webhooks& webhooks, std::size_t replicas, const std::string& kind,
                                     const std::string& ns, const std::string& limit, int generation) {
  const std::string line = absl::StrCat("headroom_limit_generation_in_force{kind=\"", kind, "\",limit=\"", limit,
                                        "\",namespace=\"", ns, "\"} ", generation, "\n");
  for (std::size_t i = 0; i < replicas; ++i) {
    const auto judges = [&] { return webhooks.replica(i).ask("/metrics").find(line) != std::string::npos; };
    if (!eventually(30, judges)) return ::testing::AssertionFailure() << "replica " << i << " does not judge by it";
  }
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult in_force(Webhooks& webhooks, std::size_t replicas, const std::string& ns,
                                    const std::vector<std::string>& limits, int generation) {
  kube::Client& client = limits_home().client();
  if (!webhooks.wait_ready(30)) return ::testing::AssertionFailure() << "the webhooks are not ready";
  for (const std::string& limit : limits) {
    auto judged = judged_by(webhooks, replicas, kScaleLimit.kind, ns, limit, generation);
    if (!judged) return judged;
  }
  std::string last;
  const auto asked = [&] {
    const auto refused = client.create(kArtifact, artifact(kNothing, "probe"), {});
    last = refused ? "created" : refused.error().message;
    // One that came in before the webhooks were asked would stand in the way of all later ones.
    if (refused) {
      EXPECT_TRUE(client.remove(kArtifact, {kNothing, "probe"}, {}, {}));
    }
    return !refused && refused.error().http_status == 403;
  };
  if (!eventually(30, asked)) return ::testing::AssertionFailure() << "the API server does not ask: " << last;
  return ::testing::AssertionSuccess();
}

}  // namespace headroom::e2e
