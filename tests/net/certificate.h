// Self-signed certificates made on the spot.
#pragma once

#include <string>

namespace headroom::net {

struct Certificate {
  std::string certificate_pem, key_pem;
};

/// ECDSA P-256 for the name localhost, valid for a day; a new key each time.
Certificate self_signed();

/// A private key of another kind, in PEM.
std::string ed25519_key();

}  // namespace headroom::net
