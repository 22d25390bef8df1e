// What the other headers here speak of: certificates as texts and the facts that decisions need. Plain values.
#pragma once

#include <absl/time/time.h>

#include <set>
#include <string>
#include <vector>

namespace headroom::certificates {

/// A certificate chain, leaf first, and the leaf's private key, in PEM.
struct Pair {
  std::string certificate_pem, key_pem;
  bool operator==(const Pair&) const = default;
};

/// A certificate that others are verified by, without its key.
struct Authority {
  std::string id;   ///< of the certificate: the first 16 hexadecimal digits of its SHA-256
  std::string pem;  ///< this certificate alone
  absl::Time not_before, not_after;
  bool operator==(const Authority&) const = default;
};

/// An authority that we are.
struct SigningAuthority {
  Authority authority;
  std::string key_pem;
  bool operator==(const SigningAuthority&) const = default;
};

/// What a server shows.
struct Leaf {
  Pair pair;
  std::string id;               ///< of the leaf, as Authority::id
  std::set<std::string> names;  ///< DNS names and addresses that it is for
  absl::Time not_before, not_after;
  bool operator==(const Leaf&) const = default;
};

using AuthorityIds = std::set<std::string>;

}  // namespace headroom::certificates
