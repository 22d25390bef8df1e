#include "tests/e2e/chart_rights.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <utility>

#include "tests/e2e/clusters.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr char kHome[] = "headroom-system", kOperator[] = "headroom-operator", kWebhook[] = "headroom-webhook";
constexpr char kRegion[] = "region";
constexpr char kToLimits[] = "headroom.dev/aggregate-to-limits";
// The account by which an operator elsewhere comes here has what a region needs, and nothing of what a home needs.
constexpr char kHomeAndRegion[] = R"(
apiVersion: v1
kind: Namespace
metadata: {name: headroom-system}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: region, namespace: headroom-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: region}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: headroom-operator-region}
subjects: [{kind: ServiceAccount, namespace: headroom-system, name: region}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: region-writes}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: headroom-operator-region-writes}
subjects: [{kind: ServiceAccount, namespace: headroom-system, name: region}]
---
)";
constexpr int kTokenSeconds = 7200, kPatienceSeconds = 30;

const kube::ResourceType kRole{"rbac.authorization.k8s.io", "v1", "roles", "Role", true};
const kube::ResourceType kClusterRole{"rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false};
const kube::ResourceType kServiceAccount{"", "v1", "serviceaccounts", "ServiceAccount", true};
const kube::ResourceType kAccessReview{"authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview",
                                       false};

std::string written(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  return path.string();
}

/// Objects field by field, lists one behind the other.
void join(json& into, const json& more) {
  for (const auto& [name, value] : more.items()) {
    if (value.is_object()) {
      join(into[name], value);
    } else if (value.is_array()) {
      for (const json& one : value) into[name].push_back(one);
    } else {
      into[name] = value;
    }
  }
}

/// What Helm makes of the chart's templates of accounts and rights; several clusters of a program have the same.
const std::string& rendered(const json& values, const std::filesystem::path& folder) {
  static std::map<std::string, std::string> known;
  const auto [found, is_new] = known.try_emplace(values.dump());
  if (is_new) {
    std::string command = "hack/helm 4 template headroom charts/headroom --kube-version 1.36.0";
    for (const char* part : {"service-accounts", "operator-rights", "region-rights", "webhook-rights"}) {
      absl::StrAppend(&command, " --show-only templates/", part, ".yaml");
    }
    found->second = run(absl::StrCat(command, " --namespace ", kHome, " --values ",
                                     written(folder / "headroom-values.json", values.dump())),
                        900);
  }
  return found->second;
}

/// The account that a role of the chart's is bound to; empty for others.
std::string account_of(const json& role) {
  const std::string name = role.at("metadata").at("name");
  if (name.starts_with(kOperator)) return kOperator;
  return name.starts_with(kWebhook) || role["metadata"].value("labels", json::object()).contains(kToLimits) ? kWebhook
                                                                                                            : "";
}

/// One of the requests that a rule allows.
json sample_of(const json& rule, const std::string& ns) {
  const std::vector<std::string> resource = absl::StrSplit(rule.at("resources")[0].get<std::string>(), '/');
  return {{"verb", rule.at("verbs")[0]},
          {"group", rule.at("apiGroups")[0]},
          {"resource", resource.front()},
          {"subresource", resource.size() > 1 ? resource.back() : ""},
          {"name", rule.contains("resourceNames") ? rule["resourceNames"][0] : json("")},
          {"namespace", ns}};
}

std::vector<json> items(kube::Client& client, const kube::ResourceType& type, const std::string& selector) {
  kube::ListOptions chosen;
  chosen.label_selector = selector;
  auto page = client.list(type, "", chosen, {});
  EXPECT_TRUE(page) << page.error().message;
  return page ? std::move(page.value().items) : std::vector<json>();
}

}  // namespace

bool may(kube::Client& administrator, const std::string& account, const json& attributes) {
  const json spec = {
      {"user", absl::StrCat("system:serviceaccount:", kHome, ":", account)},
      {"groups", {"system:serviceaccounts", absl::StrCat("system:serviceaccounts:", kHome), "system:authenticated"}},
      {"resourceAttributes", attributes}};
  const auto review = administrator.create(
      kAccessReview, {{"apiVersion", kAccessReview.api_version()}, {"kind", kAccessReview.kind}, {"spec", spec}}, {});
  return review && review.value().at("status").value("allowed", false);
}

json scale_kind(const kube::ResourceType& type) {
  return {{"operator", {{"scaleKinds", json::array({{{"group", type.group}, {"resource", type.plural}}})}}}};
}

json allowed_field(const kube::ResourceType& type, const std::string& path) {
  const json field = {{"group", type.group}, {"resource", type.plural}, {"path", path}};
  return {{"operator", {{"allowedFields", json::array({field})}}}};
}

ChartRights::ChartRights(kube::Client& administrator, const kube::ClusterConfig& config, std::string cluster,
                         std::filesystem::path folder, Roles roles)
    : administrator_(administrator), cluster_(std::move(cluster)), folder_(std::move(folder)), roles_(roles) {
  allow(json::object());
  operator_kubeconfig_ = kubeconfig_of(kOperator, config);
  webhook_kubeconfig_ = kubeconfig_of(kWebhook, config);
  region_kubeconfig_ = kubeconfig_of(kRegion, config);
}

void ChartRights::allow(const json& values) {
  join(values_, values);
  apply(absl::StrCat(kHomeAndRegion, rendered(values_, folder_)));
}

void ChartRights::let_limit(const std::string& group, const std::vector<std::string>& resources) {
  const json rule = {{"apiGroups", json::array({group})}, {"resources", resources}, {"verbs", {"list", "watch"}}};
  const json role = {
      {"apiVersion", kClusterRole.api_version()},
      {"kind", kClusterRole.kind},
      {"metadata",
       {{"name", absl::StrCat("limits-of-", group, "-", resources.front())}, {"labels", {{kToLimits, "true"}}}}},
      {"rules", json::array({rule})}};
  apply(role.dump());
}

void ChartRights::apply(const std::string& yaml) {
  run(absl::StrCat("hack/cluster kubectl ", cluster_, " apply --server-side --force-conflicts -f ",
                   written(folder_ / "headroom-rights.yaml", yaml)));
  if (roles_ == Roles::GatheredHere) gather();
  EXPECT_TRUE(eventually(kPatienceSeconds, [this] { return in_force(); }))
      << "the chart's rights are not in force on " << cluster_;
}

void ChartRights::gather() {
  json rules = json::array();
  for (const json& role : items(administrator_, kClusterRole, absl::StrCat(kToLimits, "=true"))) {
    for (const json& rule : role.at("rules")) rules.push_back(rule);
  }
  const auto filled = administrator_.patch(kClusterRole, {"", absl::StrCat(kWebhook, "-limited")},
                                           kube::PatchType::Merge, {{"rules", rules}}, {});
  EXPECT_TRUE(filled) << filled.error().message;
}

bool ChartRights::in_force() {
  const auto allows = [this](const json& role) {
    const std::string account = account_of(role), ns = role.at("metadata").value("namespace", "");
    const json rules = account.empty() || !role.contains("rules") ? json() : role["rules"];
    return std::ranges::all_of(rules,
                               [&](const json& rule) { return may(administrator_, account, sample_of(rule, ns)); });
  };
  return std::ranges::all_of(items(administrator_, kRole, ""), allows) &&
         std::ranges::all_of(items(administrator_, kClusterRole, ""), allows);
}

std::string ChartRights::kubeconfig_of(const std::string& account, const kube::ClusterConfig& config) {
  kube::WriteOptions token;
  token.subresource = "token";
  const auto issued = administrator_.create(kServiceAccount,
                                            {{"apiVersion", "authentication.k8s.io/v1"},
                                             {"kind", "TokenRequest"},
                                             {"metadata", {{"namespace", kHome}, {"name", account}}},
                                             {"spec", {{"expirationSeconds", kTokenSeconds}}}},
                                            {}, token);
  EXPECT_TRUE(issued) << issued.error().message;
  if (!issued) return "";
  const json cluster = {{"server", config.server}, {"certificate-authority-data", absl::Base64Escape(config.ca_pem)}};
  const json kubeconfig = {
      {"apiVersion", "v1"},
      {"kind", "Config"},
      {"current-context", cluster_},
      {"contexts", {{{"name", cluster_}, {"context", {{"cluster", cluster_}, {"user", account}}}}}},
      {"clusters", {{{"name", cluster_}, {"cluster", cluster}}}},
      {"users", {{{"name", account}, {"user", {{"token", issued.value().at("status").at("token")}}}}}}};
  return written(folder_ / (account + ".kubeconfig"), kubeconfig.dump());
}

}  // namespace headroom::e2e
