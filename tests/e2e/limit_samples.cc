#include "tests/e2e/limit_samples.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "operator/kube/cpprest_transport.h"
#include "tests/e2e/limits_home.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;
using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;

json condition_of(const json& status, const char* type) {
  for (const json& one : status.value("conditions", json::array())) {
    if (one.at("type") == type) return one;
  }
  return json::object();
}

std::unique_ptr<kube::Client> client_that_retries_for(const Cluster& cluster, std::chrono::milliseconds retry_for) {
  kube::ClientLimits limits;
  limits.retry_for = retry_for;
  return std::make_unique<kube::Client>(kube::make_transport(cluster.config()).value(), limits, 1);
}

}  // namespace

std::vector<std::string> prompt_cluster(std::vector<std::string> more) {
  more.emplace_back("--apiserver-flag=--request-timeout=10s");
  return more;
}

std::vector<std::string> prompt_webhooks() { return {"--request-deadline-seconds", "12", "--lease-seconds", "3"}; }

void apply_sample(const Cluster& cluster, const std::vector<std::string>& files) {
  cluster.kubectl(
      absl::StrCat("apply --server-side -f manifests/samples/", absl::StrJoin(files, " -f manifests/samples/")));
}

std::unique_ptr<kube::Client> impatient_client(const Cluster& cluster) {
  return client_that_retries_for(cluster, std::chrono::milliseconds(0));
}

std::unique_ptr<kube::Client> patient_client(const Cluster& cluster) {
  return client_that_retries_for(cluster, std::chrono::milliseconds(30'000));
}

json object_of(const kube::ResourceType& type, const std::string& ns, const std::string& name, const json& spec) {
  return {{"apiVersion", type.api_version()},
          {"kind", type.kind},
          {"metadata", {{"namespace", ns}, {"name", name}}},
          {"spec", spec}};
}

AssertionResult enforced(const Cluster& cluster, const kube::ResourceType& kind, const std::string& ns,
                         const std::string& name) {
  json object, found;
  const auto is_enforced = [&] {
    object = cluster.get(kind, ns, name);
    found = condition_of(object.value("status", json::object()), "Enforced");
    return found.value("status", "") == "True" &&
           found.value("observedGeneration", 0) == object.at("metadata").at("generation");
  };
  if (eventually(60, is_enforced)) return AssertionSuccess();
  return AssertionFailure() << ns << "/" << name << " is not enforced: " << object.value("status", json()).dump(1);
}

AssertionResult all_enforced(const Cluster& cluster) {
  for (const auto* const kind : {&kScaleLimit, &kClusterScaleLimit}) {
    const auto page = cluster.client().list(*kind, "", {}, {});
    if (!page) return AssertionFailure() << page.error().message;
    for (const json& limit : page.value().items) {
      const json& meta = limit.at("metadata");
      auto one = enforced(cluster, *kind, meta.value("namespace", ""), meta.at("name"));
      if (!one) return one;
    }
  }
  return AssertionSuccess();
}

AssertionResult status_reaches(const Cluster& cluster, const kube::ResourceType& kind, const std::string& ns,
                               const std::string& name, const std::function<bool(const json&)>& holds, int seconds) {
  json status;
  if (eventually(seconds, [&] { return holds(status = cluster.status_of(kind, ns, name)); })) return AssertionSuccess();
  return AssertionFailure() << ns << "/" << name << " is otherwise: " << status.dump(1);
}

AssertionResult change_limit(const Cluster& cluster, Webhooks& webhooks, std::size_t replicas,
                             const kube::ResourceType& kind, const std::string& ns, const std::string& name,
                             const json& merge_patch) {
  const auto changed = cluster.client().patch(kind, {ns, name}, kube::PatchType::Merge, merge_patch, {});
  if (!changed) return AssertionFailure() << changed.error().message;
  return judged_by(webhooks, replicas, kind.kind, ns, name, changed.value().at("metadata").at("generation"));
}

AssertionResult lands(const Result<json>& result) {
  if (result) return AssertionSuccess();
  return AssertionFailure() << result.error().http_status << " " << result.error().message;
}

AssertionResult refused(const Result<json>& result, int status, const std::string& message) {
  if (result) return AssertionFailure() << "it was let through";
  if (result.error().http_status == status && absl::StrContains(result.error().message, message)) {
    return AssertionSuccess();
  }
  return AssertionFailure() << result.error().http_status << " " << result.error().message;
}

}  // namespace headroom::e2e
