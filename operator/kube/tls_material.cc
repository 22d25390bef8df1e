#include "operator/kube/tls_material.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

namespace headroom::kube {

namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

Bio memory_of(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// Without this OpenSSL would ask on the terminal.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return 0;
}

Result<std::shared_ptr<EVP_PKEY>> read_key(const std::string& pem) {
  bool encrypted = false;
  const Bio bio = memory_of(pem);
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, &encrypted), EVP_PKEY_free);
  ERR_clear_error();
  if (encrypted) return invalid("holds an encrypted key; give it without a password");
  if (key == nullptr)
    return invalid("holds no PEM private key; it must begin with \"-----BEGIN ... PRIVATE KEY-----\"");
  return key;
}

}  // namespace

Result<std::vector<std::shared_ptr<X509>>> read_certificates(const std::string& pem) {
  std::vector<std::shared_ptr<X509>> certificates;
  const Bio bio = memory_of(pem);
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate, X509_free);
  }
  // The end of the text is an error as well, "no start line"; any other is a certificate that cannot be read.
  const unsigned long error = ERR_peek_last_error();
  const bool ended = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (certificates.empty() || !ended) {
    return invalid(certificates.empty()
                       ? "holds no readable PEM certificate; it must begin with \"-----BEGIN CERTIFICATE-----\""
                       : "has a damaged certificate after " + std::to_string(certificates.size()) + " good ones");
  }
  return certificates;
}

Result<std::shared_ptr<X509_STORE>> trust_only(const std::string& pem) {
  BOOST_OUTCOME_TRY(certificates, read_certificates(pem));
  std::shared_ptr<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
  for (const std::shared_ptr<X509>& certificate : certificates) {
    X509_STORE_add_cert(store.get(), certificate.get());
  }
  // An intermediate authority named as trusted is trusted, as Go's verifier has it.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  ERR_clear_error();
  return store;
}

std::shared_ptr<X509_STORE> trust_system(const std::string& file, const std::string& folder) {
  std::shared_ptr<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
  const std::string bundle = file.empty() ? X509_get_default_cert_file() : file;
  const std::string certificates = folder.empty() ? X509_get_default_cert_dir() : folder;
  X509_STORE_load_file(store.get(), bundle.c_str());
  X509_STORE_load_path(store.get(), certificates.c_str());
  ERR_clear_error();
  return store;
}

Result<ClientIdentity> client_identity(const std::string& certificate_pem, const std::string& key_pem) {
  ClientIdentity identity;
  Result<std::vector<std::shared_ptr<X509>>> certificates = read_certificates(certificate_pem);
  if (!certificates) return with_context(std::move(certificates).error(), "the client certificate");
  identity.certificates = std::move(certificates).value();
  Result<std::shared_ptr<EVP_PKEY>> key = read_key(key_pem);
  if (!key) return with_context(std::move(key).error(), "the client key");
  identity.key = std::move(key).value();
  const bool match = X509_check_private_key(identity.certificates.front().get(), identity.key.get()) == 1;
  ERR_clear_error();
  if (!match) return invalid("the client key is not the one of the client certificate; give the pair as issued");
  return identity;
}

}  // namespace headroom::kube
