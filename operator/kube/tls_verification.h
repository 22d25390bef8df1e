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

  /// Trust, client certificate, this check and the name that is asked for, for all connections made from `context`.
  void configure(SSL_CTX* context);
  /// Why the last certificate was refused; empty when it was good.
  std::string problem() const;

 private:
  static int verify(X509_STORE_CTX* chain, void* self);
  static void name_server(const SSL* connection, int event, int value);
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
