#include "webhook/app/certificate_files.h"

#include <absl/strings/str_cat.h>

#include <functional>

#include "operator/certificates/x509.h"
#include "operator/kube/text_file.h"

namespace headroom::webhook {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;

struct Texts {
  certificates::Pair pair;
  std::string authorities;
  bool operator==(const Texts&) const = default;
};

Result<Texts> read_texts(const CertificatePaths& paths) {
  BOOST_OUTCOME_TRY(certificate, kube::read_text_file(paths.certificate, kMostBytes));
  BOOST_OUTCOME_TRY(key, kube::read_text_file(paths.key, kMostBytes));
  Texts texts{{std::move(certificate), std::move(key)}, ""};
  if (paths.authorities.empty()) return texts;
  auto authorities = kube::read_text_file(paths.authorities, kMostBytes);
  if (!authorities && !(paths.authorities_optional && authorities.error().code == ErrorCode::NotFound)) {
    return authorities.error();
  }
  if (authorities) texts.authorities = std::move(authorities).value();
  return texts;
}

Result<certificates::Offer> offer_of(const Texts& texts, const CertificatePaths& paths) {
  certificates::Offer offer;
  auto leaf = certificates::read_leaf(texts.pair);
  if (!leaf) return with_context(leaf.error(), absl::StrCat(paths.certificate, " and ", paths.key));
  offer.leaf = std::move(leaf).value();
  if (texts.authorities.empty()) return offer;
  auto trusted = certificates::read_authorities(texts.authorities);
  if (!trusted) return with_context(trusted.error(), paths.authorities);
  offer.trusted = std::move(trusted).value();
  offer.anchors = certificates::anchors_of(texts.pair, offer.trusted);
  if (offer.anchors.empty()) {
    return invalid(absl::StrCat(paths.certificate, " is not a server's certificate by any authority of ",
                                paths.authorities, ": give the authority that issued it, and the chain up to there"));
  }
  return offer;
}

/// No text of a key: it ends up in memory that nobody guards.
std::string version_of(const Texts& texts) {
  const std::hash<std::string> hash;
  return absl::StrCat(hash(texts.pair.certificate_pem), " ", hash(texts.pair.key_pem), " ", hash(texts.authorities));
}

}  // namespace

CertificatePaths certificate_directory(const std::string& directory) {
  return {absl::StrCat(directory, "/tls.crt"), absl::StrCat(directory, "/tls.key"), absl::StrCat(directory, "/ca.crt"),
          true};
}

CertificateSource::Reading CertificateFiles::read(const certificates::TrustState&, absl::Duration,
                                                  const std::stop_token&) {
  Result<Texts> texts = read_texts(paths_);
  if (!texts) return {texts.error(), texts.error().message};
  auto offer = offer_of(texts.value(), paths_);
  if (offer) return {std::move(offer), version_of(texts.value())};
  // A swap between two of the reads, if the next ones differ.
  Result<Texts> again = read_texts(paths_);
  if (again && again.value() != texts.value()) {
    return {offer_of(again.value(), paths_), version_of(again.value())};
  }
  return {std::move(offer), version_of(texts.value())};
}

}  // namespace headroom::webhook
