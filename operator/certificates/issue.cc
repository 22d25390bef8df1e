#include "operator/certificates/issue.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "operator/certificates/x509.h"

namespace headroom::certificates {
namespace {

// RFC 5280, 4.1.2.2: at most 20 octets, positive.
constexpr int kSerialBits = 159;

/// Only memory or entropy that is used up can make these calls fail.
void must(bool done) {
  if (!done) std::abort();
}

Key new_key() {
  Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  must(key != nullptr);
  return key;
}

std::string pem_of(EVP_PKEY* key) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
  must(PEM_write_bio_PrivateKey(text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Certificate begin(EVP_PKEY* key, const std::string& common_name, absl::Time from, absl::Time to) {
  Certificate certificate(X509_new(), X509_free);
  must(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> serial(BN_new(), BN_free);
  must(BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1);
  BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get()));
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(from));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(to));
  must(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0) == 1);
  must(X509_set_pubkey(certificate.get(), key) == 1);
  return certificate;
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), X509_EXTENSION_free);
  must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

std::string subject_name(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  const bool is_address =
      inet_pton(AF_INET, name.c_str(), address.data()) == 1 || inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
  return absl::StrCat(is_address ? "IP:" : "DNS:", name);
}

}  // namespace

SigningAuthority OpenSslMint::authority(absl::Time now) {
  const Key key = new_key();
  // Subjects tell authorities apart where a bundle holds two: verifiers look for issuers by name.
  const Certificate certificate = begin(
      key.get(), absl::StrCat(subject_, " authority ", absl::FormatTime("%Y%m%dT%H%M%E3SZ", now, absl::UTCTimeZone())),
      now - kBackdated, now + lifetimes_.authority);
  X509* const raw = certificate.get();
  X509_set_issuer_name(raw, X509_get_subject_name(raw));
  extend(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  extend(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(raw, raw, NID_subject_key_identifier, "hash");
  must(X509_sign(raw, key.get(), EVP_sha256()) > 0);
  return {authority_of(raw), pem_of(key.get())};
}

Leaf OpenSslMint::leaf(const SigningAuthority& issuer, const std::set<std::string>& names, absl::Time now) {
  const auto authorities = parse_certificates(issuer.authority.pem);
  const auto issuer_key = parse_key(issuer.key_pem);
  must(authorities && issuer_key);  // it was read, or made, by us
  X509* const authority = authorities.value().front().get();
  const Key key = new_key();
  const absl::Time to = std::min(now + lifetimes_.leaf, issuer.authority.not_after);
  const Certificate certificate = begin(key.get(), subject_, now - kBackdated, to);
  X509* const raw = certificate.get();
  X509_set_issuer_name(raw, X509_get_subject_name(authority));
  std::vector<std::string> subjects;
  for (const std::string& name : names) subjects.push_back(subject_name(name));
  extend(raw, authority, NID_basic_constraints, "critical,CA:FALSE");
  extend(raw, authority, NID_key_usage, "critical,digitalSignature");
  extend(raw, authority, NID_ext_key_usage, "serverAuth");
  extend(raw, authority, NID_subject_alt_name, absl::StrJoin(subjects, ","));
  extend(raw, authority, NID_authority_key_identifier, "keyid");
  must(X509_sign(raw, issuer_key.value().get(), EVP_sha256()) > 0);
  const Result<Leaf> made = read_leaf({certificate_pem(raw), pem_of(key.get())});
  must(made.has_value());
  return made.value();
}

}  // namespace headroom::certificates
