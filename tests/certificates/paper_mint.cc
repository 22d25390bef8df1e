#include "tests/certificates/paper_mint.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

namespace headroom::certificates {

SigningAuthority PaperMint::authority(absl::Time now) {
  const std::string id = absl::StrCat("a", ++authorities_);
  return {{id, id, now - kBackdated, now + lifetimes_.authority}, "key"};
}

Leaf PaperMint::leaf(const SigningAuthority& issuer, const std::set<std::string>& names, absl::Time now) {
  const std::string id = absl::StrCat("l", ++leaves_);
  return {{id, "key"}, id, names, now - kBackdated, std::min(now + lifetimes_.leaf, issuer.authority.not_after)};
}

}  // namespace headroom::certificates
