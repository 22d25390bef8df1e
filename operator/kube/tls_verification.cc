#include "operator/kube/tls_verification.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <utility>

#include "operator/kube/status_error.h"
#include "operator/kube/url.h"

namespace headroom::kube {

namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

template <class Print>
std::string printed(Print print) {
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new(BIO_s_mem()));
  print(bio.get());
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return excerpt(std::string(text, static_cast<std::size_t>(size)));
}

std::string name_of(const X509_NAME* name) {
  return printed([name](BIO* bio) { X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253); });
}

std::string names_in(X509* certificate) {
  std::string names;
  auto* const list = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  const int count = list == nullptr ? 0 : sk_GENERAL_NAME_num(list);
  for (int i = 0; i < count && names.size() < 300; ++i) {
    names += (names.empty() ? "" : ", ") +
             printed([&](BIO* bio) { GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(list, i)); });
  }
  GENERAL_NAMES_free(list);
  return names.empty() ? "no name" : names;
}

// The place of a context for our pointer; the one everybody may use is Asio's.
int own_data_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

std::string explain_certificate_problem(int error, X509* certificate, const std::string& server_name) {
  const std::string subject = certificate == nullptr ? "" : name_of(X509_get_subject_name(certificate));
  switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the server's certificate is not for " + server_name + " but for " +
             (certificate == nullptr ? "" : names_in(certificate)) + "; use such a name, or set tls-server-name";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the certificate " + subject + " expired at " +
             printed([certificate](BIO* bio) { ASN1_TIME_print(bio, X509_get0_notAfter(certificate)); }) + "; renew it";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the certificate " + subject + " is not valid before " +
             printed([certificate](BIO* bio) { ASN1_TIME_print(bio, X509_get0_notBefore(certificate)); }) +
             "; check this machine's clock";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "the server's certificate is signed by an authority that is not trusted (" +
             (certificate == nullptr ? "" : name_of(X509_get_issuer_name(certificate))) +
             "); give the cluster's certificate authority";
    default:
      return "the certificate " + subject + " was refused: " + X509_verify_cert_error_string(error);
  }
}

TlsVerification::TlsVerification(std::string server_name, bool insecure, std::shared_ptr<const TlsCredentials> tls)
    : server_name_(std::move(server_name)),
      is_address_(is_ip_address(server_name_)),
      insecure_(insecure),
      tls_(std::move(tls)) {}

void TlsVerification::configure(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set1_cert_store(context, tls_->trust.get());
  SSL_CTX_set_cert_verify_callback(context, &TlsVerification::verify, this);
  SSL_CTX_set_ex_data(context, own_data_index(), this);
  SSL_CTX_set_info_callback(context, &TlsVerification::name_server);
  if (tls_->identity) {
    const ClientIdentity& identity = *tls_->identity;
    SSL_CTX_use_certificate(context, identity.certificates.front().get());
    for (std::size_t i = 1; i < identity.certificates.size(); ++i) {
      SSL_CTX_add1_chain_cert(context, identity.certificates[i].get());
    }
    SSL_CTX_use_PrivateKey(context, identity.key.get());
    // OpenSSL would add the authority from our trust store, and a Go server verifies both ways to the root with each
    // request: 70 us of its CPU.
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
  }
  ERR_clear_error();
}

// When a handshake begins.
void TlsVerification::name_server(const SSL* connection, int event, int /*value*/) {
  if ((event & SSL_CB_HANDSHAKE_START) == 0) return;
  const auto& check =
      *static_cast<const TlsVerification*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), own_data_index()));
  // RFC 6066 §3 allows no addresses.
  if (!check.is_address_) SSL_set_tlsext_host_name(const_cast<SSL*>(connection), check.server_name_.c_str());
}

int TlsVerification::verify(X509_STORE_CTX* chain, void* self) {
  auto& check = *static_cast<TlsVerification*>(self);
  if (check.insecure_) return 1;
  X509_VERIFY_PARAM* const wanted = X509_STORE_CTX_get0_param(chain);
  if (check.is_address_) {
    X509_VERIFY_PARAM_set1_ip_asc(wanted, check.server_name_.c_str());
  } else {
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    X509_VERIFY_PARAM_set1_host(wanted, check.server_name_.data(), check.server_name_.size());
  }
  // cpprestsdk's own callback would compare with the Host header and take a common name for a name.
  X509_STORE_CTX_set_verify_cb(chain, [](int good, X509_STORE_CTX* /*chain*/) { return good; });
  const bool good = X509_verify_cert(chain) == 1;
  check.remember(good ? ""
                      : explain_certificate_problem(X509_STORE_CTX_get_error(chain),
                                                    X509_STORE_CTX_get_current_cert(chain), check.server_name_));
  return good ? 1 : 0;
}

void TlsVerification::remember(std::string problem) {
  const std::lock_guard lock(mutex_);
  problem_ = std::move(problem);
}

std::string TlsVerification::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

}  // namespace headroom::kube
