#include "tests/webhook/sample_review.h"

namespace headroom::webhook {
namespace {

using Json = nlohmann::ordered_json;

Json deployment(int replicas, const char* version) {
  Json managed = Json::parse(R"([{"manager": "kubectl", "operation": "Update", "apiVersion": "apps/v1",
      "time": "2026-11-07T18:30:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}}])");
  Json spec = Json::parse(R"({"selector": {"matchLabels": {"app": "cart"}},
      "template": {"metadata": {"creationTimestamp": null, "labels": {"app": "cart"}},
        "spec": {"containers": [{"name": "cart", "image": "registry.example.com/shop/cart:1.42.0",
          "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}}}]}}})");
  Json object = {{"kind", "Deployment"}, {"apiVersion", "apps/v1"}};
  object["metadata"] = {{"name", "cart"},
                        {"namespace", "shop"},
                        {"uid", "5b0e3a4c-41e8-4b3a-9d0c-6f3f0d1f9a11"},
                        {"resourceVersion", version},
                        {"generation", 7},
                        {"creationTimestamp", "2026-10-01T08:00:00Z"},
                        {"labels", {{"app", "cart"}, {"example.com/tier", "web"}}},
                        {"managedFields", std::move(managed)}};
  object["spec"] = {{"replicas", replicas}};
  object["spec"].update(spec);
  object["status"] = {{"observedGeneration", 7}, {"replicas", 3}, {"readyReplicas", 3}};
  return object;
}

}  // namespace

std::string sample_uid() { return "705ab4f5-6393-11e8-b7cc-42010a800002"; }

Json sample_review() {
  const Json kind = {{"group", "apps"}, {"version", "v1"}, {"kind", "Deployment"}};
  const Json resource = {{"group", "apps"}, {"version", "v1"}, {"resource", "deployments"}};
  Json request = {{"uid", sample_uid()},         {"kind", kind},   {"resource", resource}, {"requestKind", kind},
                  {"requestResource", resource}, {"name", "cart"}, {"namespace", "shop"},  {"operation", "UPDATE"}};
  request["userInfo"] = {{"username", "system:serviceaccount:shop:deployer"},
                         {"uid", "0d9f1c53-8b39-4c2e-8a0d-a63c8e1f2b7d"},
                         {"groups", {"system:serviceaccounts", "system:authenticated"}}};
  request["object"] = deployment(5, "81234");
  request["oldObject"] = deployment(3, "81234");
  request["dryRun"] = false;
  request["options"] = {{"kind", "UpdateOptions"}, {"apiVersion", "meta.k8s.io/v1"}, {"fieldManager", "kubectl"}};
  Json review = {{"kind", "AdmissionReview"}, {"apiVersion", "admission.k8s.io/v1"}};
  review["request"] = std::move(request);
  return review;
}

}  // namespace headroom::webhook
