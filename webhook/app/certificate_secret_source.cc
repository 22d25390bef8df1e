#include "webhook/app/certificate_secret_source.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/log.h"
#include "operator/certificates/certificate_secret.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;

// Each step is one change, and a lost race is read again; more in a row than these wait for the next look.
constexpr int kMostChanges = 4;

bool lost_race(const Error& error) {
  return error.code == ErrorCode::Conflict || error.code == ErrorCode::AlreadyExists ||
         error.code == ErrorCode::NotFound;
}

std::string version_of(const json& secret) {
  return secret.is_object() ? secret.at("metadata").value("resourceVersion", "") : std::string();
}

}  // namespace

CertificateSecretSource::CertificateSecretSource(std::shared_ptr<kube::Client> client, CertificateSecretOptions options,
                                                 std::unique_ptr<certificates::Mint> mint, WallNow now)
    : client_(std::move(client)), options_(std::move(options)), mint_(std::move(mint)), now_(std::move(now)) {}

Result<json> CertificateSecretSource::store(const certificates::SelfManaged& content, const json& stored,
                                            const std::stop_token& stop) {
  if (!stored.is_object()) {
    return client_->create(kube::types::kSecret, certificates::secret_of(content, options_.ns, options_.name), stop);
  }
  return client_->patch(kube::types::kSecret, {options_.ns, options_.name}, kube::PatchType::Merge,
                        certificates::secret_patch(content, version_of(stored)), stop);
}

CertificateSource::Reading CertificateSecretSource::read(const certificates::TrustState& trust, absl::Duration boot,
                                                         const std::stop_token& stop) {
  for (int changes = 0;; ++changes) {
    Result<json> secret = client_->get(kube::types::kSecret, {options_.ns, options_.name}, stop);
    if (!secret && secret.error().code != ErrorCode::NotFound) {
      const std::string where = absl::StrCat("Secret ", options_.ns, "/", options_.name);
      return {with_context(secret.error(), where), secret.error().message};
    }
    const json stored = secret ? std::move(secret).value() : json();
    std::optional<certificates::SelfManaged> content;
    if (stored.is_object()) {
      auto read = certificates::self_managed_from_secret(stored);
      if (!read) return {read.error(), version_of(stored)};
      content = remembered_ = std::move(read).value();
    }
    certificates::Circumstances circumstances{now_(), options_.names, options_.jitter, false, remembered_};
    circumstances.next_is_known =
        content && content->next && known_everywhere(trust, content->next->authority.id, boot, options_.trust);
    const auto change = next_change(content, circumstances, *mint_);
    if (!change || changes == kMostChanges) {
      if (content) return {certificates::offer_of(*content), version_of(stored)};
      return {Error{ErrorCode::Conflict, "the Secret of certificates comes and goes", 0, {}}, ""};
    }
    const Result<json> written = store(change->content, stored, stop);
    if (written) {
      log::info(change->what, {{"secret", absl::StrCat(options_.ns, "/", options_.name)}});
    } else if (!lost_race(written.error())) {
      // What is stored is still good, as far as it goes.
      const std::string what = absl::StrCat(change->what, ", but Secret ", options_.ns, "/", options_.name);
      if (!content) return {with_context(written.error(), what), written.error().message};
      log::warning("the certificates could not be changed", {{"what", what}, {"error", written.error().message}});
      return {certificates::offer_of(*content), version_of(stored)};
    }
  }
}

}  // namespace headroom::webhook
