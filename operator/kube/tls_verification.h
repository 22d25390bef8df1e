// Our check of a server's certificate in place of cpprestsdk's: OpenSSL's own matching of names and addresses, no
// common names, and a reason that people can act on.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <mutex>
#include <string>

#include "operator/kube/credentials.h"

namespace headroom::kube {

/// Thread-safe; must outlive the contexts and connections it was put into.
class TlsVerification {
 public:
  /// `server_name`, a name or an address, is what the certificate must be for; `insecure` takes any.
  TlsVerification(std::string server_name, bool insecure, std::shared_ptr<const TlsCredentials> tls);

  /// Trust, client certificate and this check, for all connections made from `context`.
  void configure(SSL_CTX* context);
  /// Before the handshake: the name that is asked for (RFC 6066 §3 allows no addresses).
  void name_server(SSL* connection) const;
  /// Why the last certificate was refused; empty when it was good.
  std::string problem() const;

 private:
  static int verify(X509_STORE_CTX* chain, void* self);
  void remember(std::string problem);

  const std::string server_name_;
  const bool is_address_, insecure_;
  const std::shared_ptr<const TlsCredentials> tls_;
  mutable std::mutex mutex_;
  std::string problem_;  // guarded by mutex_
};

/// The verification error of OpenSSL and the certificate it is about as a sentence with a remedy. Pure.
std::string explain_certificate_problem(int error, X509* certificate, const std::string& server_name);

}  // namespace headroom::kube
