// Certificates and keys from PEM texts, as OpenSSL wants them. Built once, shared by all connections: they count their
// users. Errors say what is wrong with the text, never what is in it.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace headroom::kube {

/// All certificates of a PEM text; an Error when there is none.
Result<std::vector<std::shared_ptr<X509>>> read_certificates(const std::string& pem);

/// A store that trusts exactly the certificate authorities of `pem`.
Result<std::shared_ptr<X509_STORE>> trust_only(const std::string& pem);

/// A store that trusts what the machine trusts. `file` and `folder` empty: OpenSSL's defaults.
std::shared_ptr<X509_STORE> trust_system(const std::string& file, const std::string& folder);

/// A client's certificate with its chain, and its key.
struct ClientIdentity {
  std::vector<std::shared_ptr<X509>> certificates;  ///< our own first
  std::shared_ptr<EVP_PKEY> key;
};

/// Refuses a key that is not the certificate's, or is encrypted.
Result<ClientIdentity> client_identity(const std::string& certificate_pem, const std::string& key_pem);

}  // namespace headroom::kube
