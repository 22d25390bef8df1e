#include "operator/monitoring/metrics_connection.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include "operator/base/deadline.h"
#include "operator/monitoring/region_patience.h"
#include "operator/monitoring/secret_value.h"

namespace headroom::monitoring {
namespace {

constexpr std::chrono::minutes kSecretsAge{1};

}  // namespace

Result<std::string> MetricsConnection::read_secret(const api::SecretKeyRef& ref, const char* field,
                                                   const std::stop_token& stop) {
  const Deadline deadline(kRegionPatience, stop);
  const std::string what = absl::StrCat("spec.metrics.", field, ": Secret ", ref.ns, "/", ref.name);
  auto secret = home_.get(kube::types::kSecret, {ref.ns, ref.name}, deadline.token());
  if (!secret) return with_context(deadline.judge(secret.error()), what);
  auto value = secret_value(secret.value(), ref.key);
  if (!value) return with_context(value.error(), absl::StrCat("spec.metrics.", field));
  return std::string(absl::StripAsciiWhitespace(value.value()));
}

Status MetricsConnection::read_secrets(const api::RegionMetrics& metrics, const std::stop_token& stop) {
  std::string token, ca;
  if (metrics.auth_secret) {
    BOOST_OUTCOME_TRY(read, read_secret(*metrics.auth_secret, "authSecretRef", stop));
    token = std::move(read);
  }
  if (metrics.ca) {
    BOOST_OUTCOME_TRY(read, read_secret(*metrics.ca, "caRef", stop));
    ca = std::move(read);
  }
  if (token != token_ || ca != ca_) transport_.reset();
  token_ = std::move(token);
  ca_ = std::move(ca);
  auth_secret_ = metrics.auth_secret;
  ca_secret_ = metrics.ca;
  return ok();
}

Result<std::shared_ptr<kube::Transport>> MetricsConnection::transport(const api::RegionMetrics& metrics, SteadyTime now,
                                                                      const std::stop_token& stop) {
  const std::lock_guard lock(mutex_);
  if (url_ != metrics.url) transport_.reset();
  url_ = metrics.url;
  const bool others = auth_secret_ != metrics.auth_secret || ca_secret_ != metrics.ca;
  if (others || !read_ || now - *read_ > kSecretsAge) {
    const Status read = read_secrets(metrics, stop);
    const bool home_away =
        !read && (read.error().code == ErrorCode::Unavailable || read.error().code == ErrorCode::Timeout ||
                  read.error().code == ErrorCode::TooManyRequests);
    if (!read && (others || !home_away || !transport_)) return read.error();
    read_ = now;
  }
  if (!transport_) {
    kube::ClusterConfig config;
    config.server = metrics.url;
    config.token = token_;
    config.ca_pem = ca_;
    auto connected = connect_(config);
    if (!connected) return with_context(connected.error(), "spec.metrics.url");
    transport_ = std::move(connected.value());
  }
  return transport_;
}

void MetricsConnection::credentials_refused() {
  const std::lock_guard lock(mutex_);
  read_.reset();
}

}  // namespace headroom::monitoring
