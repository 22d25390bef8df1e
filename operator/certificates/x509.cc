#include "operator/certificates/x509.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <set>

namespace headroom::certificates {
namespace {

constexpr std::size_t kIdBytes = 8;

using Text = std::unique_ptr<BIO, decltype(&BIO_free)>;

Text reading(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

/// A PEM block with a passphrase must not ask for it on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

absl::Time time_of(const ASN1_TIME* time) {
  std::tm civil{};
  if (ASN1_TIME_to_tm(time, &civil) != 1) return absl::InfinitePast();
  return absl::FromTM(civil, absl::UTCTimeZone());
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = address->length == 4 ? AF_INET : AF_INET6;
  if (address->length != 4 && address->length != 16) return "";
  return inet_ntop(family, address->data, text.data(), text.size()) == nullptr ? "" : text.data();
}

std::set<std::string> names_of(const X509* certificate) {
  std::set<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* const one = sk_GENERAL_NAME_value(all.get(), i);
    if (one->type == GEN_DNS) {
      names.emplace(reinterpret_cast<const char*>(ASN1_STRING_get0_data(one->d.dNSName)),
                    static_cast<std::size_t>(ASN1_STRING_length(one->d.dNSName)));
    } else if (one->type == GEN_IPADD) {
      names.insert(address_text(one->d.iPAddress));
    }
  }
  return names;
}

bool verifies(X509* leaf, STACK_OF(X509) * chain, X509* authority) {
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(), X509_STORE_free);
  X509_STORE_add_cert(store.get(), authority);
  // As in Go, whatever is trusted is an end, also an intermediate one. When it is valid is decided elsewhere.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(X509_STORE_CTX_new(),
                                                                                X509_STORE_CTX_free);
  X509_STORE_CTX_init(context.get(), store.get(), leaf, chain);
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);
  const bool good = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace

Result<std::vector<Certificate>> parse_certificates(const std::string& pem) {
  const Text text = reading(pem);
  std::vector<Certificate> all;
  while (X509* const one = PEM_read_bio_X509(text.get(), nullptr, no_passphrase, nullptr)) {
    all.emplace_back(one, X509_free);
  }
  // What ends the reading is the end of the text, or else a block that is damaged.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (all.empty()) return invalid("there is no certificate in PEM in it");
  if (!at_end) return invalid(absl::StrCat("certificate ", all.size() + 1, " in it is damaged"));
  return all;
}

Result<Key> parse_key(const std::string& pem) {
  const Text text = reading(pem);
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(text.get(), nullptr, no_passphrase, nullptr);
  ERR_clear_error();
  if (key == nullptr) return invalid("there is no unencrypted private key in PEM in it");
  return Key(key, EVP_PKEY_free);
}

std::string certificate_id(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  return absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), kIdBytes});
}

std::string certificate_pem(const X509* certificate) {
  const Text text(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(text.get(), certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Authority authority_of(const X509* certificate) {
  return {certificate_id(certificate), certificate_pem(certificate), time_of(X509_get0_notBefore(certificate)),
          time_of(X509_get0_notAfter(certificate))};
}

Result<std::vector<Authority>> read_authorities(const std::string& pem, std::size_t most) {
  BOOST_OUTCOME_TRY(certificates, parse_certificates(pem));
  std::vector<Authority> authorities;
  std::set<std::string> seen;
  for (const Certificate& one : certificates) {
    if (seen.insert(certificate_id(one.get())).second) authorities.push_back(authority_of(one.get()));
  }
  if (authorities.size() > most) {
    return invalid(absl::StrCat("it holds ", authorities.size(), " authorities, at most ", most,
                                " are taken: give those that this server's certificate is verified by"));
  }
  return authorities;
}

Result<Leaf> read_leaf(const Pair& pair) {
  BOOST_OUTCOME_TRY(certificates, parse_certificates(pair.certificate_pem));
  BOOST_OUTCOME_TRY(key, parse_key(pair.key_pem));
  X509* const leaf = certificates.front().get();
  const bool own = X509_check_private_key(leaf, key.get()) == 1;
  ERR_clear_error();
  if (!own) return invalid("the private key is not the certificate's");
  return Leaf{pair, certificate_id(leaf), names_of(leaf), time_of(X509_get0_notBefore(leaf)),
              time_of(X509_get0_notAfter(leaf))};
}

Result<SigningAuthority> read_signing_authority(const Pair& pair) {
  BOOST_OUTCOME_TRYV(read_leaf(pair));
  BOOST_OUTCOME_TRY(certificates, parse_certificates(pair.certificate_pem));
  if (X509_check_ca(certificates.front().get()) != 1) return invalid("the certificate is not an authority's");
  return SigningAuthority{authority_of(certificates.front().get()), pair.key_pem};
}

AuthorityIds anchors_of(const Pair& pair, const std::vector<Authority>& authorities) {
  const auto chain = parse_certificates(pair.certificate_pem);
  if (!chain) return {};
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> rest(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  for (std::size_t i = 1; i < chain.value().size(); ++i) sk_X509_push(rest.get(), chain.value()[i].get());
  AuthorityIds anchors;
  for (const Authority& authority : authorities) {
    const auto certificates = parse_certificates(authority.pem);
    if (certificates && verifies(chain.value().front().get(), rest.get(), certificates.value().front().get())) {
      anchors.insert(authority.id);
    }
  }
  return anchors;
}

}  // namespace headroom::certificates
