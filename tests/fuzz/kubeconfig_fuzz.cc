// Kubeconfigs: parsing ends, never crashes, reads no file, runs nothing, and keeps its promises about what it accepts.
// The first byte chooses the policy, the rest is the text.
#include <cstdint>
#include <string>

#include "operator/kube/config.h"
#include "operator/kube/url.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using headroom::fuzz::require;
  namespace kube = headroom::kube;
  if (size == 0) return 0;
  kube::KubeconfigPolicy policy;
  policy.allow_files = (data[0] & 1U) != 0;
  policy.allow_insecure = (data[0] & 2U) != 0;
  if ((data[0] & 4U) != 0) policy.allowed_exec = {"aws", "/usr/bin/login"};
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);

  const auto config = kube::parse_kubeconfig(text, "", policy);
  if (!config) {
    require(!config.error().message.empty(), "a refusal has a reason");
    require(config.error().message.size() < 4096, "a refusal is short");
    require(config.error().message.find('\n') == std::string::npos, "a refusal is one line");
    return 0;
  }
  const kube::ClusterConfig& good = config.value();
  const auto url = kube::parse_server_url(good.server);
  require(url.has_value(), "an accepted server is an address");
  require(policy.allow_insecure || (url.value().tls && !good.insecure_skip_tls_verify), "TLS is verified");
  require(policy.allow_files || (good.ca_file.empty() && good.client_certificate_file.empty() &&
                                 good.client_key_file.empty() && good.token_file.empty()),
          "no files of another machine");
  require(!good.exec || good.exec->command == "aws" || good.exec->command == "/usr/bin/login",
          "no program but allowed ones");
  require(good.token.find_first_of("\r\n ") == std::string::npos, "a token fits a header");
  require((good.client_certificate_pem.empty() && good.client_certificate_file.empty()) ==
              (good.client_key_pem.empty() && good.client_key_file.empty()),
          "a certificate has its key");
  return 0;
}
