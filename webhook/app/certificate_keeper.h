// Keeps the server's certificate: follows its source, decides with certificates::step() when the server shows which and
// what the webhook configuration must carry, and tells the other replicas and the metrics.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "operator/base/result.h"
#include "operator/certificates/trust.h"
#include "operator/kube/client.h"
#include "operator/runtime/metrics.h"
#include "webhook/app/certificate_source.h"

namespace headroom::webhook {

/// On a replica's Lease: certificates::announcement().
inline constexpr char kCertificatesAnnotation[] = "headroom.dev/certificates";

struct CertificateKeeperOptions {
  certificates::TrustOptions trust;
  std::string configuration;  ///< name of the ValidatingWebhookConfiguration; empty: none
  std::chrono::milliseconds look_every{2000};
  std::chrono::milliseconds first_within{60'000};  ///< how long a source may stay out of reach at the start
};

struct CertificateSurroundings {
  std::function<absl::Time()> wall_now;
  std::function<absl::Duration()> boot_now;
  /// The other replicas that live.
  std::function<std::vector<certificates::OtherReplica>()> others;
  /// Makes the server show it to new connections; those that are open go on.
  std::function<Status(const certificates::Pair&)> use;
  /// The webhook configuration must be written again.
  std::function<void()> bundle_changed;
};

class CertificateKeeper {
 public:
  /// `client` reads the configuration; `metrics` outlives this.
  CertificateKeeper(CertificateKeeperOptions options, std::unique_ptr<CertificateSource> source,
                    std::shared_ptr<kube::Client> client, CertificateSurroundings surroundings,
                    runtime::Metrics& metrics);
  ~CertificateKeeper() { stop(); }

  /// What the server begins with. Waits for a source that cannot be reached; an error when what is there cannot be
  /// used. Before start().
  Result<certificates::Pair> first(const std::stop_token& stop);
  void start();
  void stop();

  // From any thread:

  /// Looks at once: this replica's Lease has begun, and what was read before may have been given up by others.
  void look_again();
  /// What the configuration `stored` (null: none) shall carry, in PEM; null: that is left to somebody else.
  Result<std::optional<std::string>> bundle_for(const nlohmann::json& stored);
  /// For this replica's Lease.
  std::string announcement() const;
  /// Why this replica should get no calls; empty when it may.
  std::string problem() const;

 private:
  void run(const std::stop_token& stop);
  void look(const std::stop_token& stop);
  std::optional<nlohmann::json> read_configuration(const std::stop_token& stop);
  void take(CertificateSource::Reading reading);
  void fail(const Error& error, std::string version);
  /// Whether the configuration must be written again.
  bool decide(const std::optional<certificates::Carried>& configuration);

  const CertificateKeeperOptions options_;
  const std::unique_ptr<CertificateSource> source_;  ///< the looking thread's
  const std::shared_ptr<kube::Client> client_;
  const CertificateSurroundings surroundings_;
  runtime::Metrics& metrics_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool look_ = false;                   ///< for the thread: at once
  std::uint64_t wanted_ = 0, had_ = 0;  ///< calls of look_again(); those before the last look that got an answer
  bool started_ = false;                ///< there is a server
  certificates::TrustState trust_;
  std::optional<certificates::Offer> offer_;
  std::optional<std::vector<certificates::Authority>> bundle_;
  std::optional<Error> failure_;
  std::string failed_version_;
  std::jthread thread_;
};

}  // namespace headroom::webhook
