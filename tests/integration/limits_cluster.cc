#include "tests/integration/limits_cluster.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "operator/kube/cpprest_transport.h"
#include "tests/support/yaml_objects.h"

namespace headroom::testing {

using nlohmann::json;

namespace {

json artifact_definition() {
  const json version = {
      {"name", "v1"},
      {"served", true},
      {"storage", true},
      {"schema", {{"openAPIV3Schema", {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}}}}},
      {"subresources",
       {{"scale", {{"specReplicasPath", ".spec.replicas"}, {"statusReplicasPath", ".status.replicas"}}},
        {"status", json::object()}}}};
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", "artifacts.example.com"}}},
          {"spec",
           {{"group", "example.com"},
            {"scope", "Namespaced"},
            {"names", {{"kind", "Artifact"}, {"plural", "artifacts"}, {"singular", "artifact"}}},
            {"versions", json::array({version})}}}};
}

void install(TestCluster& cluster, const json& definition) {
  const auto client = cluster.client();
  kube::WriteOptions force;
  force.force = true;
  const std::string name = definition.at("metadata").at("name");
  const auto applied =
      client->patch(kube::types::kCustomResourceDefinition, {"", name}, kube::PatchType::Apply, definition, {}, force);
  const bool established =
      applied && eventually(std::chrono::seconds(20), [&] {
        const auto stored = client->get(kube::types::kCustomResourceDefinition, {"", name}, {});
        if (!stored) return false;
        for (const json& one : stored.value().value("/status/conditions"_json_pointer, json::array())) {
          if (one.at("type") == "Established" && one.at("status") == "True") return true;
        }
        return false;
      });
  if (established) return;
  std::fprintf(stderr, "%s is not established\n", name.c_str());
  std::abort();
}

}  // namespace

TestCluster& limits_cluster() {
  static bool furnished = false;
  TestCluster& cluster = TestCluster::get("limits-integration", {"--without-controllers"});
  if (!std::exchange(furnished, true)) {
    install(cluster, artifact_definition());
    install(cluster, testing_support::yaml_objects("crds/headroom.dev_scalelimits.yaml").at(0));
    install(cluster, testing_support::yaml_objects("crds/headroom.dev_clusterscalelimits.yaml").at(0));
  }
  return cluster;
}

std::shared_ptr<kube::Client> impatient_client() {
  kube::ClientLimits limits;
  limits.retry_for = std::chrono::milliseconds(0);
  return limits_cluster().client(limits);
}

json limit_object(const std::string& ns, const std::string& name, const json& spec) {
  json object = {
      {"apiVersion", "headroom.dev/v1alpha1"},
      {"kind", "ScaleLimit"},
      {"metadata", {{"namespace", ns}, {"name", name}}},
      {"spec",
       {{"match", {{"resources", {{{"group", "example.com"}, {"version", "v1"}, {"resource", "artifacts"}}}}}}}}};
  object["spec"].merge_patch(spec);
  return object;
}

json object_of(const kube::ResourceType& type, const std::string& ns, const std::string& name, json body) {
  body["apiVersion"] = type.api_version();
  body["kind"] = type.kind;
  body["metadata"]["namespace"] = ns;
  body["metadata"]["name"] = name;
  return body;
}

json deployment_body(int replicas) {
  return {{"spec",
           {{"replicas", replicas},
            {"selector", {{"matchLabels", {{"app", "a"}}}}},
            {"template",
             {{"metadata", {{"labels", {{"app", "a"}}}}},
              {"spec", {{"containers", {{{"name", "main"}, {"image", "registry.k8s.io/pause:3.10"}}}}}}}}}}};
}

}  // namespace headroom::testing
