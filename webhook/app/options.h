// The webhook's command line → options. Reads files; otherwise pure.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/log.h"
#include "operator/base/result.h"
#include "operator/kube/config.h"
#include "operator/limits/escrow.h"
#include "operator/runtime/metrics_serving.h"
#include "webhook/app/certificate_options.h"
#include "webhook/app/webhook_configuration.h"

namespace headroom::webhook {

struct WebhookOptions {
  std::string own_namespace = "headroom-system";
  std::string identity;  ///< of this process, no other's
  std::string replica;   ///< names the Lease; the same after a restart where --identity is given
  std::string address = "0.0.0.0", health_address = "0.0.0.0";
  std::uint16_t port = 8443, health_port = 8080;
  runtime::MetricsServing metrics;
  int threads = 2;
  CertificateOptions certificates;
  limits::EscrowOptions escrow;
  std::string configuration;  ///< name of the ValidatingWebhookConfiguration that is kept up; empty: none
  WebhookAddress reached_at;
  std::chrono::milliseconds query_interval{30'000};  ///< between two answers of Prometheus to one query
  std::chrono::milliseconds drain{10'000};           ///< for all of a stop
  /// How long it goes on as before when it is told to end: until nobody sends new connections here any more.
  std::chrono::milliseconds drain_delay{0};
  /// After about this time a connection is given up for another, so that replicas that came later get their share.
  std::chrono::milliseconds connection_life{600'000};
};

struct CommandLine {
  WebhookOptions options;
  kube::ClusterConfig home;
  log::Level log_level = log::Level::Info;
  log::Format log_format = log::Format::Json;
  std::optional<std::string> print_and_exit;  ///< --help, --version
};

/// Errors name the flag, the value and the remedy.
Result<CommandLine> parse_command_line(int argc, const char* const* argv);

}  // namespace headroom::webhook
