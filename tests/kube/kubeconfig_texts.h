// Kubeconfigs to take apart in tests.
#pragma once

#include <string>

#include "operator/kube/config.h"
#include "tests/kube/test_authority.h"

namespace headroom::kube {

inline const testing::TestAuthority& authority() {
  static const testing::TestAuthority one;
  return one;
}

/// A client's certificate of that authority.
inline const testing::CertificatePair& client() {
  static const testing::CertificatePair one = authority().issue({.names = "", .client = true});
  return one;
}

std::string base64(const std::string& text);

/// A kubeconfig with one context; the texts are YAML flow maps.
std::string kubeconfig(const std::string& cluster, const std::string& user,
                       const std::string& context = "{cluster: c, user: u}");

inline constexpr char kServer[] = "{server: 'https://api.example.com:6443'}";

/// What a Secret may hold.
inline KubeconfigPolicy secret_policy() {
  KubeconfigPolicy policy;
  policy.allow_files = false;
  return policy;
}

}  // namespace headroom::kube
