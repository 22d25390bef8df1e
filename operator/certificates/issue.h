// Authorities and server certificates, made with OpenSSL: ECDSA P-256, because API servers resume no sessions and so
// verify often. Thread-safe.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "operator/certificates/self_managed.h"

namespace headroom::certificates {

class OpenSslMint final : public Mint {
 public:
  /// `subject`: by what name people see the certificates.
  explicit OpenSslMint(Lifetimes lifetimes, std::string subject = "headroom webhook")
      : lifetimes_(lifetimes), subject_(std::move(subject)) {}

  SigningAuthority authority(absl::Time now) override;
  Leaf leaf(const SigningAuthority& issuer, const std::set<std::string>& names, absl::Time now) override;

 private:
  const Lifetimes lifetimes_;
  const std::string subject_;
};

}  // namespace headroom::certificates
