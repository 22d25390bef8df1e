// Certificates that are nothing but their facts: for the decisions about them.
#pragma once

#include "operator/certificates/self_managed.h"

namespace headroom::certificates {

inline const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

/// Authorities "a1", "a2", … and leaves "l1", "l2", …, in the order of their making.
class PaperMint final : public Mint {
 public:
  explicit PaperMint(Lifetimes lifetimes) : lifetimes_(lifetimes) {}

  SigningAuthority authority(absl::Time now) override;
  Leaf leaf(const SigningAuthority& issuer, const std::set<std::string>& names, absl::Time now) override;

 private:
  const Lifetimes lifetimes_;
  int authorities_ = 0, leaves_ = 0;
};

}  // namespace headroom::certificates
