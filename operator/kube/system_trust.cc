#include "operator/kube/system_trust.h"

#include <openssl/x509.h>

#include <cstdlib>

#include "operator/kube/tls_material.h"

namespace headroom::kube {

namespace {

using Variables = std::vector<std::pair<std::string, std::optional<std::string>>>;

Variables& saved() {
  static Variables variables;
  return variables;
}

std::string value_now_or_before(const char* name) {
  for (const auto& [saved_name, value] : saved()) {
    if (saved_name == name) return value.value_or("");
  }
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): set before there are threads only
  return value == nullptr ? "" : value;
}

}  // namespace

void stop_default_trust_loading() {
  if (!saved().empty()) return;
  for (const char* name : {X509_get_default_cert_file_env(), X509_get_default_cert_dir_env()}) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): there are no threads yet
    saved().emplace_back(name, value == nullptr ? std::nullopt : std::optional<std::string>(value));
    ::setenv(name, "/dev/null", 1);  // NOLINT(concurrency-mt-unsafe): there are no threads yet
  }
}

std::shared_ptr<X509_STORE> system_trust() {
  static const std::shared_ptr<X509_STORE> store = trust_system(value_now_or_before(X509_get_default_cert_file_env()),
                                                                value_now_or_before(X509_get_default_cert_dir_env()));
  return store;
}

const Variables& original_trust_environment() { return saved(); }

}  // namespace headroom::kube
