#include "operator/status/serving_certificate.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "operator/certificates/issue.h"
#include "operator/certificates/x509.h"
#include "operator/kube/text_file.h"

namespace headroom::status {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;

certificates::Leaf make_leaf(const std::set<std::string>& names, absl::Time now) {
  const certificates::Lifetimes lifetimes;
  certificates::OpenSslMint mint(lifetimes, "headroom metrics");
  return mint.leaf(mint.authority(now), names, now);
}

}  // namespace

ServingCertificate::ServingCertificate(std::string directory, std::set<std::string> names)
    : directory_(std::move(directory)), names_(std::move(names)) {}

Result<std::optional<certificates::Pair>> ServingCertificate::look(absl::Time now) {
  if (directory_.empty()) {
    if (now < renew_at_) return std::optional<certificates::Pair>();
    const certificates::Leaf leaf = make_leaf(names_, now);
    renew_at_ = now + (leaf.not_after - now) * 2 / 3;
    return std::optional(leaf.pair);
  }
  BOOST_OUTCOME_TRY(pair, read());
  if (pair == shown_) return std::optional<certificates::Pair>();
  if (const auto leaf = certificates::read_leaf(pair); !leaf) return with_context(leaf.error(), directory_);
  shown_ = pair;
  return std::optional(pair);
}

Result<certificates::Pair> ServingCertificate::read() const {
  BOOST_OUTCOME_TRY(certificate, kube::read_text_file(absl::StrCat(directory_, "/tls.crt"), kMostBytes));
  BOOST_OUTCOME_TRY(key, kube::read_text_file(absl::StrCat(directory_, "/tls.key"), kMostBytes));
  return certificates::Pair{certificate, key};
}

}  // namespace headroom::status
