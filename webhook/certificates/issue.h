// Authorities and server certificates, made with OpenSSL: ECDSA P-256, because API servers resume no sessions and so
// verify often. Thread-safe.
#pragma once

#include <set>
#include <string>

#include "webhook/certificates/self_managed.h"

namespace headroom::certificates {

class OpenSslMint final : public Mint {
 public:
  explicit OpenSslMint(Lifetimes lifetimes) : lifetimes_(lifetimes) {}

  SigningAuthority authority(absl::Time now) override;
  Leaf leaf(const SigningAuthority& issuer, const std::set<std::string>& names, absl::Time now) override;

 private:
  const Lifetimes lifetimes_;
};

}  // namespace headroom::certificates
