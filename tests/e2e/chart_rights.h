// Headroom's rights on a test's API server: the chart's own accounts, roles and bindings, and no others.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/kube/client.h"
#include "operator/kube/config.h"

namespace headroom::e2e {

/// Whether RBAC lets an account of headroom-system do it; `attributes` are those of a SubjectAccessReview's
/// `resourceAttributes`. False as well where the API server does not answer.
bool may(kube::Client& administrator, const std::string& account, const nlohmann::json& attributes);

/// Values of the chart with which targets may name a kind by its /scale, or by a field.
nlohmann::json scale_kind(const kube::ResourceType& type);
nlohmann::json allowed_field(const kube::ResourceType& type, const std::string& path);

/// Owned and used by one thread.
class ChartRights {
 public:
  enum class Roles { GatheredByController, GatheredHere };

  /// Applies what the chart's default values give, and returns when it is in force. `cluster` as hack/cluster knows it;
  /// files are kept in `folder`. `roles`: who fills the aggregated role of what limits may select.
  ChartRights(kube::Client& administrator, const kube::ClusterConfig& config, std::string cluster,
              std::filesystem::path folder, Roles roles);

  /// As an upgrade of the chart with these values; lists are joined with those of earlier calls.
  void allow(const nlohmann::json& values);
  /// By a ClusterRole with the label that adds it to what limits may select.
  void let_limit(const std::string& group, const std::vector<std::string>& resources);

  /// Paths of kubeconfigs with tokens of the programs' ServiceAccounts, good for two hours.
  const std::string& operator_kubeconfig() const { return operator_kubeconfig_; }
  const std::string& webhook_kubeconfig() const { return webhook_kubeconfig_; }
  /// Of an operator to which this cluster is a region by kubeconfig.
  const std::string& region_kubeconfig() const { return region_kubeconfig_; }

 private:
  void apply(const std::string& yaml);
  void gather();
  bool in_force();
  std::string kubeconfig_of(const std::string& account, const kube::ClusterConfig& config);

  kube::Client& administrator_;
  const std::string cluster_;
  const std::filesystem::path folder_;
  const Roles roles_;
  nlohmann::json values_ = nlohmann::json::object();
  std::string operator_kubeconfig_, webhook_kubeconfig_, region_kubeconfig_;
};

}  // namespace headroom::e2e
