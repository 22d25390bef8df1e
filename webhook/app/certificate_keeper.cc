#include "webhook/app/certificate_keeper.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/log.h"
#include "operator/certificates/announcement.h"
#include "webhook/app/configuration_bundle.h"
#include "webhook/app/configuration_check.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kTryAgain{500};
constexpr char kExpiry[] = "headroom_webhook_certificate_expiry_timestamp_seconds";
constexpr char kFailures[] = "headroom_webhook_certificate_reload_failures_total";
constexpr char kChanges[] = "headroom_webhook_certificate_changes_total";

/// Another answer is to be expected later, without anybody's doing.
bool out_of_reach(const Error& error) {
  return error.code != ErrorCode::InvalidArgument && error.code != ErrorCode::NotFound;
}

/// Nobody has said what is there.
bool unanswered(const Error& error) {
  return error.code == ErrorCode::Unavailable || error.code == ErrorCode::Timeout ||
         error.code == ErrorCode::TooManyRequests || error.code == ErrorCode::Cancelled;
}

}  // namespace

CertificateKeeper::CertificateKeeper(CertificateKeeperOptions options, std::unique_ptr<CertificateSource> source,
                                     std::shared_ptr<kube::Client> client, CertificateSurroundings surroundings,
                                     runtime::Metrics& metrics)
    : options_(std::move(options)),
      source_(std::move(source)),
      client_(std::move(client)),
      surroundings_(std::move(surroundings)),
      metrics_(metrics) {
  metrics_.add(kFailures, "New certificates that could not be used; the ones before them stay", {}, 0);
  metrics_.add(kChanges, "Certificates that new connections were shown instead of the ones before", {}, 0);
}

Result<certificates::Pair> CertificateKeeper::first(const std::stop_token& stop) {
  const absl::Duration until = surroundings_.boot_now() + absl::FromChrono(options_.first_within);
  while (true) {
    look(stop);
    std::unique_lock lock(mutex_);
    if (trust_.serving) return trust_.serving->leaf.pair;
    if (!out_of_reach(*failure_) || surroundings_.boot_now() >= until || stop.stop_requested()) return *failure_;
    changed_.wait_for(lock, stop, kTryAgain, [] { return false; });
  }
}

void CertificateKeeper::start() {
  {
    std::lock_guard lock(mutex_);
    started_ = true;
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void CertificateKeeper::stop() { thread_ = {}; }

void CertificateKeeper::look_again() {
  std::lock_guard lock(mutex_);
  ++wanted_;
  look_ = true;
  changed_.notify_all();
}

std::string CertificateKeeper::announcement() const {
  std::lock_guard lock(mutex_);
  return certificates::announcement(announced(trust_, offer_));
}

std::string CertificateKeeper::problem() const {
  std::lock_guard lock(mutex_);
  if (!trust_.serving) return "there is no certificate";
  if (had_ < wanted_) return "whether the certificate is still in use is not known yet";
  return trust_.settled ? "" : "API servers might not know the authority of the certificate yet";
}

Result<std::optional<std::string>> CertificateKeeper::bundle_for(const json& stored) {
  std::lock_guard lock(mutex_);
  decide(carried_by(stored));
  if (!options_.trust.owns_bundle) return std::optional<std::string>();
  if (!bundle_ || bundle_->empty()) {
    return Error{ErrorCode::Unavailable, "there is no certificate whose authority API servers could trust", 0, {}};
  }
  return std::optional(bundle_pem(*bundle_));
}

// --- the thread, and start() before it ---

void CertificateKeeper::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, options_.look_every, [this] { return look_; });
      look_ = false;
    }
    if (!stop.stop_requested()) look(stop);
  }
}

void CertificateKeeper::look(const std::stop_token& stop) {
  std::uint64_t wanted = 0;
  certificates::TrustState trust;
  {
    std::lock_guard lock(mutex_);
    wanted = wanted_;
    trust = trust_;
  }
  // Before the source, so that what is decided by both is not behind the configuration.
  const std::optional<json> configuration = read_configuration(stop);
  CertificateSource::Reading reading = source_->read(trust, surroundings_.boot_now(), stop);
  if (stop.stop_requested()) return;
  bool apply = false;
  {
    std::lock_guard lock(mutex_);
    if (reading.offer || !unanswered(reading.offer.error())) had_ = wanted;
    take(std::move(reading));
    apply = decide(configuration ? std::optional(carried_by(*configuration)) : std::nullopt);
  }
  if (apply) surroundings_.bundle_changed();
}

std::optional<json> CertificateKeeper::read_configuration(const std::stop_token& stop) {
  if (!options_.trust.manages_configuration) return std::nullopt;
  auto stored = client_->get(kube::types::kValidatingWebhookConfiguration, {"", options_.configuration}, stop);
  if (stored) return std::move(stored).value();
  return stored.error().code == ErrorCode::NotFound ? std::optional(json()) : std::nullopt;
}

void CertificateKeeper::take(CertificateSource::Reading reading) {
  if (reading.offer) {
    if (failure_) log::info("the certificates can be used again");
    failure_.reset();
    offer_ = std::move(reading.offer).value();
    return;
  }
  fail(reading.offer.error(), std::move(reading.version));
}

void CertificateKeeper::fail(const Error& error, std::string version) {
  const bool news = !failure_ || failure_->message != error.message || failed_version_ != version;
  failure_ = error;
  failed_version_ = std::move(version);
  if (!news) return;
  metrics_.add(kFailures, "", {});
  log::warning(trust_.serving ? "the certificate before stays in use" : "there is no certificate to use",
               {{"error", error.message}});
}

bool CertificateKeeper::decide(const std::optional<certificates::Carried>& configuration) {
  certificates::TrustInputs inputs;
  inputs.now = surroundings_.wall_now();
  inputs.boot = surroundings_.boot_now();
  inputs.configuration = configuration;
  inputs.others = surroundings_.others();
  inputs.offer = offer_;
  certificates::TrustStep result = certificates::step(trust_, inputs, options_.trust);
  if (result.serve && started_) {
    const Status used = surroundings_.use(result.state.serving->leaf.pair);
    if (used) {
      metrics_.add(kChanges, "", {});
      log::info("serving with another certificate", {{"certificate", result.state.serving->leaf.id}});
    } else {
      fail(used.error(), offer_->leaf.id);
      inputs.offer = trust_.serving;
      result = certificates::step(trust_, inputs, options_.trust);
    }
  }
  trust_ = std::move(result.state);
  if (result.bundle) bundle_ = std::move(result.bundle);
  if (trust_.serving) {
    metrics_.set(kExpiry, "When the certificate that new connections are shown expires, in seconds since 1970", {},
                 static_cast<double>(absl::ToUnixSeconds(trust_.serving->leaf.not_after)));
  }
  return result.apply;
}

}  // namespace headroom::webhook
