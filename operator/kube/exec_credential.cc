#include "operator/kube/exec_credential.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "operator/base/duration.h"
#include "operator/kube/child_process.h"
#include "operator/kube/status_error.h"
#include "operator/kube/system_trust.h"

namespace headroom::kube {

namespace {

using nlohmann::json;

std::string encode_base64(const std::string& text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

// KUBERNETES_EXEC_INFO, as client-go fills it.
std::string exec_info(const ExecCommand& command, const ClusterConfig& cluster) {
  json info{{"kind", "ExecCredential"},
            {"apiVersion", command.api_version},
            {"spec", {{"interactive", command.interactive}}}};
  if (command.provide_cluster_info) {
    json about{{"server", cluster.server}, {"config", nullptr}};
    if (!cluster.tls_server_name.empty()) about["tls-server-name"] = cluster.tls_server_name;
    if (!cluster.ca_pem.empty()) about["certificate-authority-data"] = encode_base64(cluster.ca_pem);
    if (cluster.insecure_skip_tls_verify) about["insecure-skip-tls-verify"] = true;
    info["spec"]["cluster"] = std::move(about);
  }
  return info.dump();
}

void set_variable(std::vector<std::string>& environment, const std::string& name,
                  const std::optional<std::string>& value) {
  const std::string start = name + "=";
  std::erase_if(environment, [&start](const std::string& one) { return one.starts_with(start); });
  if (value) environment.push_back(start + *value);
}

std::vector<std::string> child_environment(const ExecCommand& command, const ClusterConfig& cluster) {
  std::vector<std::string> environment;
  for (char** one = environ; *one != nullptr; ++one) environment.emplace_back(*one);
  for (const auto& [name, value] : original_trust_environment()) set_variable(environment, name, value);
  set_variable(environment, "KUBERNETES_EXEC_INFO", exec_info(command, cluster));
  for (const auto& [name, value] : command.environment) set_variable(environment, name, value);
  return environment;
}

std::string text_of(const json& object, const char* field) {
  const auto it = object.find(field);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

Result<ExecCredential> parse_exec_credential(std::string_view text, const std::string& api_version) {
  // Nothing of the text goes into messages: it may be a token.
  const json answer = json::parse(text, nullptr, false);
  if (!answer.is_object()) return invalid("the output is no JSON object; an ExecCredential is expected");
  if (text_of(answer, "kind") != "ExecCredential" || text_of(answer, "apiVersion") != api_version) {
    return invalid("the output is no ExecCredential of " + api_version +
                   "; write the apiVersion that the program speaks into the kubeconfig");
  }
  const auto status = answer.find("status");
  if (status == answer.end() || !status->is_object()) return invalid("the ExecCredential has no status");
  ExecCredential credential{text_of(*status, "token"), text_of(*status, "clientCertificateData"),
                            text_of(*status, "clientKeyData"), std::nullopt};
  if (credential.certificate_pem.empty() != credential.key_pem.empty()) {
    return invalid("the ExecCredential has one of clientCertificateData and clientKeyData without the other");
  }
  if (credential.token.empty() && credential.certificate_pem.empty()) {
    return invalid("the ExecCredential holds neither a token nor a client certificate; log in first");
  }
  if (!std::all_of(credential.token.begin(), credential.token.end(), [](char c) { return c > ' ' && c < 0x7f; })) {
    return invalid("the ExecCredential's token holds a character that no token has");
  }
  if (const std::string expires = text_of(*status, "expirationTimestamp"); !expires.empty()) {
    Result<absl::Time> time = parse_rfc3339(expires);
    if (!time) return with_context(std::move(time).error(), "the ExecCredential's expirationTimestamp");
    credential.expires = time.value();
  }
  return credential;
}

Result<ExecCredential> run_exec_command(const ExecCommand& command, const ClusterConfig& cluster,
                                        std::chrono::milliseconds timeout, const std::stop_token& stop) {
  constexpr std::size_t kMostOutput = std::size_t{1} << 20U;
  std::vector<std::string> arguments{command.command};
  arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
  Result<ChildOutput> child = run_child(arguments, child_environment(command, cluster), kMostOutput, timeout, stop,
                                        command.interactive ? ChildTerminal::Ours : ChildTerminal::None);
  if (!child) {
    Error error = with_context(std::move(child).error(), "credentials");
    if (error.code == ErrorCode::NotFound) {
      error.code = ErrorCode::Unauthorized;
      if (!command.install_hint.empty()) error.message += "; " + excerpt(command.install_hint);
    }
    return error;
  }
  if (child.value().exit_code != 0) {
    return Error{ErrorCode::Unauthorized,
                 "credentials: " + command.command + " ended with " + std::to_string(child.value().exit_code) + ": " +
                     excerpt(child.value().errors),
                 0,
                 {}};
  }
  Result<ExecCredential> credential = parse_exec_credential(child.value().output, command.api_version);
  if (!credential) {
    Error error = with_context(std::move(credential).error(), "credentials: " + command.command);
    error.code = ErrorCode::Unauthorized;
    return error;
  }
  return credential;
}

}  // namespace headroom::kube
