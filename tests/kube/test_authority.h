// A certificate authority made on the spot, for servers and clients of tests.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>

namespace headroom::testing {

struct CertificatePair {
  std::string certificate_pem, key_pem;
};

class TestAuthority {
 public:
  /// `name` becomes the common name; each authority has a key of its own.
  explicit TestAuthority(const std::string& name = "test authority");

  const std::string& pem() const { return pem_; }

  struct Wanted {
    std::string names =
        "IP:127.0.0.1";  ///< as OpenSSL writes subjectAltName: "DNS:localhost,IP:127.0.0.1"; may be empty
    std::string common_name = "test";
    long from_hour = -1, to_hour = 24;  ///< from now; both in the past: expired
    bool client = false;                ///< for clients instead of servers
  };
  CertificatePair issue(const Wanted& wanted) const;

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
  std::string pem_;
};

}  // namespace headroom::testing
