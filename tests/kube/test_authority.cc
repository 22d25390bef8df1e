#include "tests/kube/test_authority.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <random>

namespace headroom::testing {

namespace {

std::shared_ptr<X509> make(EVP_PKEY* key, const std::string& common_name, long from_hour, long to_hour) {
  std::shared_ptr<X509> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), std::random_device{}());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from_hour * 3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), to_hour * 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

void extend(X509* certificate, int kind, const std::string& value) {
  const std::shared_ptr<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()),
                                                  X509_EXTENSION_free);
  X509_add_ext(certificate, extension.get(), -1);
}

template <class Write>
std::string pem_of(Write write) {
  const std::shared_ptr<BIO> bio(BIO_new(BIO_s_mem()), BIO_free);
  write(bio.get());
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name)
    : key_(EVP_EC_gen("P-256"), EVP_PKEY_free), certificate_(make(key_.get(), name, -1, 24)) {
  X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
  extend(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(certificate_.get(), NID_key_usage, "critical,keyCertSign");
  X509_sign(certificate_.get(), key_.get(), EVP_sha256());
  pem_ = pem_of([this](BIO* bio) { PEM_write_bio_X509(bio, certificate_.get()); });
}

CertificatePair TestAuthority::issue(const Wanted& wanted) const {
  const std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::shared_ptr<X509> certificate = make(key.get(), wanted.common_name, wanted.from_hour, wanted.to_hour);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
  if (!wanted.names.empty()) extend(certificate.get(), NID_subject_alt_name, wanted.names);
  extend(certificate.get(), NID_ext_key_usage, wanted.client ? "clientAuth" : "serverAuth");
  X509_sign(certificate.get(), key_.get(), EVP_sha256());
  return {pem_of([&](BIO* bio) { PEM_write_bio_X509(bio, certificate.get()); }),
          pem_of([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })};
}

}  // namespace headroom::testing
