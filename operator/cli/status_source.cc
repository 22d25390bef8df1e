#include "operator/cli/status_source.h"

#include <openssl/evp.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "operator/api/webhook_lease.h"
#include "operator/kube/client.h"

namespace headroom::cli {
namespace {

using nlohmann::json;

template <class T, class Read>
void read_all(const Connection& connection, const kube::ResourceType& type, Read read, std::vector<T>& into,
              std::vector<std::string>& unread) {
  const Result<std::vector<json>> all =
      list_if_served(*connection.client, type, type.namespaced ? connection.ns : std::string());
  if (!all) {
    unread.push_back(all.error().message);
    return;
  }
  for (const json& object : all.value()) {
    auto one = read(object);
    if (one) {
      into.push_back(std::move(one).value());
    } else {
      unread.push_back(type.kind + " " + api::meta_from_json(object).key().to_string() + ": " + one.error().message);
    }
  }
}

std::string from_base64(const std::string& text) {
  std::string out(text.size() / 4 * 3 + 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return {};
  out.resize(static_cast<std::size_t>(size));
  return out;
}

void read_certificates(const Connection& connection, const StatusFlags& flags, StatusFacts& facts) {
  const Result<json> configuration =
      connection.client->get(kube::types::kValidatingWebhookConfiguration, {"", flags.webhook_configuration}, {});
  if (!configuration) return;  // no limits, or no right to look: neither is a fault
  std::optional<absl::Time> first;
  for (const json& webhook : configuration.value().value("webhooks", json::array())) {
    const std::string bundle = webhook.value("clientConfig", json::object()).value("caBundle", "");
    const std::optional<absl::Time> end = first_end_of(from_base64(bundle));
    if (end) first = std::min(first.value_or(*end), *end);
  }
  if (first) {
    facts.certificates.push_back(
        {"authority of ValidatingWebhookConfiguration " + flags.webhook_configuration, *first});
  }
}

}  // namespace

void declare_status(CLI::App& app, StatusFlags& flags) {
  app.add_option("--system-namespace", flags.system_namespace, "where the operator and the webhook run")
      ->capture_default_str();
  app.add_option("--lease", flags.lease, "the operator's Lease")->capture_default_str();
  app.add_option("--webhook-configuration", flags.webhook_configuration, "name of the ValidatingWebhookConfiguration")
      ->capture_default_str();
}

StatusFacts read_status(const Connection& connection, const StatusFlags& flags) {
  StatusFacts facts;
  kube::Client& client = *connection.client;
  const Result<json> lease = client.get(kube::types::kLease, {flags.system_namespace, flags.lease}, {});
  if (lease) {
    facts.operator_lease = lease_of(lease.value());
  } else if (lease.error().code != ErrorCode::NotFound) {
    facts.unread.push_back(lease.error().message);
    if (lease.error().code == ErrorCode::Unavailable || lease.error().code == ErrorCode::Timeout) return facts;
  }
  kube::ListOptions webhooks;
  webhooks.label_selector = std::string(api::kWebhookLeaseLabel) + "=" + api::kWebhookLeaseComponent;
  if (const auto page = client.list(kube::types::kLease, flags.system_namespace, webhooks, {})) {
    for (const json& one : page.value().items) facts.webhooks.push_back(lease_of(one));
  }
  read_all(connection, kube::types::kScaleTarget, api::scale_target_from_json, facts.targets, facts.unread);
  read_all(connection, kube::types::kFestivalSchedule, api::festival_schedule_from_json, facts.schedules, facts.unread);
  read_all(connection, kube::types::kRegion, api::region_from_json, facts.regions, facts.unread);
  read_all(connection, kube::types::kScaleLimit, api::scale_limit_from_json, facts.limits, facts.unread);
  read_all(connection, kube::types::kClusterScaleLimit, api::cluster_scale_limit_from_json, facts.limits, facts.unread);
  read_certificates(connection, flags, facts);
  return facts;
}

}  // namespace headroom::cli
