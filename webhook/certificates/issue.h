// Authorities and server certificates, made with OpenSSL: ECDSA P-256, because API servers resume no sessions and so
// verify often. Thread-safe.
#pragma once

#include <set>
#include <string>

#include "webhook/certificates/self_managed.h"

namespace headroom::certificates {

class OpenSslMint final : public Mint {
 public:
  /// `names`: DNS names and IP addresses of the server, with no blanks or commas in them.
  OpenSslMint(std::set<std::string> names, Lifetimes lifetimes) : names_(std::move(names)), lifetimes_(lifetimes) {}

  SigningAuthority authority(absl::Time now) override;
  Leaf leaf(const SigningAuthority& issuer, absl::Time now) override;

 private:
  const std::set<std::string> names_;
  const Lifetimes lifetimes_;
};

}  // namespace headroom::certificates
