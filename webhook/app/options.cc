#include "webhook/app/options.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <random>

#include "operator/backstop/excluded_namespaces.h"
#include "operator/kube/text_file.h"
#include "webhook/app/lease_life.h"

namespace headroom::webhook {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;

struct Listen {
  std::string address;
  std::uint16_t port = 0;
};

Result<Listen> parse_listen(const std::string& flag, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return invalid(absl::StrCat(flag, ": '", text, "' is not ADDRESS:PORT, for example 0.0.0.0:8443"));
  }
  return Listen{text.substr(0, colon), static_cast<std::uint16_t>(port)};
}

std::string host_name() {
  char host[256] = {};
  return gethostname(host, sizeof host - 1) == 0 && host[0] != '\0' ? host : "host";
}

std::string random_text() {
  std::random_device entropy;
  return absl::StrCat(absl::Hex(entropy(), absl::kZeroPad8));
}

log::Level level_of(const std::string& name) {
  if (name == "debug") return log::Level::Debug;
  if (name == "warning") return log::Level::Warning;
  return name == "error" ? log::Level::Error : log::Level::Info;
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  WebhookOptions& options = line.options;
  std::string kubeconfig, context, listen = "0.0.0.0:8443", health = "0.0.0.0:8080", level = "info", format = "json";
  std::string service, ca_file;
  double lease_seconds = 15, deadline_seconds = 64;
  bool version = false;

  CLI::App app{"Headroom's admission webhook: limits that are never exceeded and never over-deny", "headroom-webhook"};
  app.add_option("--kubeconfig", kubeconfig, "kubeconfig file; absent: in-cluster, then $KUBECONFIG, ~/.kube/config");
  app.add_option("--context", context, "context of the kubeconfig; absent: its current one");
  app.add_option("--namespace", options.own_namespace, "Headroom's own namespace: Leases and ledgers")
      ->capture_default_str();
  app.add_option("--identity", options.replica,
                 "name of this replica, no other's; absent: host name and a random part");
  app.add_option("--listen", listen, "address and port of /validate, over TLS; port 0: any free one")
      ->capture_default_str();
  app.add_option("--health-listen", health, "address and port of /healthz, /readyz and /metrics; port 0: any free one")
      ->capture_default_str();
  app.add_option("--threads", options.threads, "threads that answer reviews")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  app.add_option("--tls-certificate", options.certificate_file, "file with the certificate chain, PEM, leaf first");
  app.add_option("--tls-key", options.key_file, "file with its private key, PEM");
  app.add_option("--lease-seconds", lease_seconds, "length of this replica's Lease, the same for all replicas")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 600.0));
  app.add_option("--request-deadline-seconds", deadline_seconds,
                 "the API server's --request-timeout and a margin: how long a write may still land after its admission")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 3600.0));
  app.add_option("--webhook-configuration", options.configuration,
                 "keep the ValidatingWebhookConfiguration of this name in step with the limits");
  app.add_option("--webhook-url", options.reached_at.url, "how the API server reaches /validate: its whole address");
  app.add_option("--webhook-service", service, "how the API server reaches it: NAMESPACE/NAME of a Service, port 443");
  app.add_option("--webhook-ca", ca_file, "file with the authorities that the certificate is checked by, PEM");
  app.add_option("--log-level", level, "debug, info, warning or error")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_option("--log-format", format, "json or text")->capture_default_str()->check(CLI::IsMember({"json", "text"}));
  app.add_flag("--version", version, "print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.print_and_exit = app.help();
    return line;
  } catch (const CLI::ParseError& error) {
    return invalid(absl::StrCat(error.what(), "; --help lists the flags"));
  }
  if (version) {
    line.print_and_exit = absl::StrCat("headroom-webhook ", HEADROOM_VERSION, "\n");
    return line;
  }
  line.log_level = level_of(level);
  line.log_format = format == "json" ? log::Format::Json : log::Format::Text;

  BOOST_OUTCOME_TRY(reviews, parse_listen("--listen", listen));
  options.address = reviews.address;
  options.port = reviews.port;
  BOOST_OUTCOME_TRY(status, parse_listen("--health-listen", health));
  options.health_address = status.address;
  options.health_port = status.port;
  if (options.certificate_file.empty() || options.key_file.empty()) {
    return invalid("--tls-certificate and --tls-key: both are required");
  }
  if (!options.configuration.empty()) {
    WebhookAddress& address = options.reached_at;
    if (address.url.empty() == service.empty()) {
      return invalid("--webhook-configuration: needs either --webhook-url or --webhook-service");
    }
    if (!service.empty()) {
      const std::pair<std::string, std::string> parts = absl::StrSplit(service, absl::MaxSplits('/', 1));
      if (parts.first.empty() || parts.second.empty()) {
        return invalid(absl::StrCat("--webhook-service: '", service, "' is not NAMESPACE/NAME"));
      }
      address.service_ns = parts.first;
      address.service = parts.second;
    }
    if (ca_file.empty()) return invalid("--webhook-configuration: needs --webhook-ca");
    BOOST_OUTCOME_TRY(ca, kube::read_text_file(ca_file, kMostBytes));
    address.ca_pem = std::move(ca);
  }
  options.reached_at.excluded_namespaces = backstop::excluded_namespaces(options.own_namespace);
  options.escrow.lease_life = absl::Seconds(lease_seconds);
  options.escrow.request_deadline = absl::Seconds(deadline_seconds);
  if (options.replica.empty()) options.replica = absl::StrCat(host_name(), "-", random_text());
  options.identity = absl::StrCat(options.replica, "/", random_text());

  // NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet
  if (kubeconfig.empty() && context.empty() && std::getenv("KUBERNETES_SERVICE_HOST") != nullptr) {
    BOOST_OUTCOME_TRY(home, kube::in_cluster_config());
    line.home = std::move(home);
  } else {
    BOOST_OUTCOME_TRY(home, kube::load_kubeconfig(kubeconfig, context));
    line.home = std::move(home);
  }
  return line;
}

}  // namespace headroom::webhook
