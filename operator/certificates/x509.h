// Facts of certificates in PEM. Errors say what is wrong with the text, never what is in it. Thread-safe.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/certificates/certificate.h"

namespace headroom::certificates {

/// A caBundle is asked for by every API server at every change, and its ids stand in a Lease: few are enough.
inline constexpr std::size_t kMostAuthorities = 16;

using Certificate = std::shared_ptr<X509>;
using Key = std::shared_ptr<EVP_PKEY>;

/// All certificates of a PEM text, in its order; text around them is skipped.
Result<std::vector<Certificate>> parse_certificates(const std::string& pem);
/// An unencrypted private key.
Result<Key> parse_key(const std::string& pem);

std::string certificate_id(const X509* certificate);
std::string certificate_pem(const X509* certificate);
Authority authority_of(const X509* certificate);

/// Each certificate of the text once; at least one and at most `most`.
Result<std::vector<Authority>> read_authorities(const std::string& pem, std::size_t most = kMostAuthorities);
/// Of the first certificate; an error where the key is not its own.
Result<Leaf> read_leaf(const Pair& pair);
/// The authority's key must be its own, and it must be allowed to issue.
Result<SigningAuthority> read_signing_authority(const Pair& pair);

/// Those by which a server with this leaf and the rest of its chain is verified at some time or other.
AuthorityIds anchors_of(const Pair& pair, const std::vector<Authority>& authorities);

}  // namespace headroom::certificates
