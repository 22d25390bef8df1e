#include "webhook/app/certificate_files.h"

#include "operator/kube/text_file.h"

namespace headroom::webhook {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;

}  // namespace

Result<CertificatePair> CertificateFiles::read() const {
  BOOST_OUTCOME_TRY(certificate, kube::read_text_file(certificate_file_, kMostBytes));
  BOOST_OUTCOME_TRY(key, kube::read_text_file(key_file_, kMostBytes));
  return CertificatePair{std::move(certificate), std::move(key)};
}

Status CertificateFiles::refresh(const Use& use) {
  BOOST_OUTCOME_TRY(pair, read());
  if (pair == used_) return ok();
  BOOST_OUTCOME_TRYV(use(pair));
  used_ = std::move(pair);
  return ok();
}

}  // namespace headroom::webhook
