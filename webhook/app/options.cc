#include "webhook/app/options.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "operator/backstop/excluded_namespaces.h"
#include "operator/base/random_seed.h"
#include "operator/net/listen_address.h"
#include "operator/status/metrics_flags.h"
#include "webhook/app/lease_life.h"

namespace headroom::webhook {
namespace {

std::string host_name() {
  char host[256] = {};
  return gethostname(host, sizeof host - 1) == 0 && host[0] != '\0' ? host : "host";
}

std::string random_text() {
  return absl::StrCat(absl::Hex(static_cast<std::uint32_t>(random_seed()), absl::kZeroPad8));
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
  std::string service, own_kinds_policy = "Ignore";
  CertificateOptions& certificate = options.certificates;
  double lease_seconds = 15, deadline_seconds = 64, query_seconds = 30;
  double authority_seconds = absl::ToDoubleSeconds(certificate.lifetimes.authority);
  double leaf_seconds = absl::ToDoubleSeconds(certificate.lifetimes.leaf);
  double propagation_seconds = absl::ToDoubleSeconds(certificate.propagation);
  double drain_seconds = 100, delay_seconds = 5, connection_seconds = 600;
  bool version = false;
  status::MetricsFlags metrics;

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
  metrics.add_to(app);
  app.add_option("--threads", options.threads, "threads that answer reviews")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  app.add_option("--tls-certificate", certificate.files.certificate,
                 "file with the certificate chain, PEM, leaf first; read again when it changes, like the next two");
  app.add_option("--tls-key", certificate.files.key, "file with its private key, PEM");
  app.add_option("--webhook-ca", certificate.files.authorities,
                 "file with the authorities that the certificate is verified by, PEM");
  app.add_option("--certificate-directory", certificate.directory,
                 "mounted Secret with tls.crt, tls.key and ca.crt, as cert-manager writes it");
  app.add_option("--inject-ca-from", options.reached_at.inject_ca_from,
                 "NAMESPACE/NAME of the cert-manager Certificate whose cainjector sets the authorities in the webhook "
                 "configuration; absent: ca.crt of the directory, which leaves no gap when entries are made");
  app.add_option("--certificate-secret", certificate.secret,
                 "Secret in Headroom's own namespace in which the replicas keep certificates of their own");
  app.add_option("--authority-seconds", authority_seconds, "how long such an authority lives")
      ->capture_default_str()
      ->check(CLI::Range(60.0, 3650 * 86400.0));
  app.add_option("--certificate-seconds", leaf_seconds, "how long a certificate by it lives")
      ->capture_default_str()
      ->check(CLI::Range(20.0, 1200 * 86400.0));
  app.add_option("--propagation-seconds", propagation_seconds,
                 "how long an API server may take to use a webhook configuration that it has stored")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 86400.0));
  app.add_option("--lease-seconds", lease_seconds, "length of this replica's Lease, the same for all replicas")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 600.0));
  app.add_option("--request-deadline-seconds", deadline_seconds,
                 "the API server's --request-timeout and a margin: how long a write may still land after its admission")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 3600.0));
  app.add_option("--query-seconds", query_seconds,
                 "how often Prometheus is asked for an observed dimension, give or take a tenth")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 3600.0));
  app.add_option("--webhook-configuration", options.configuration,
                 "keep the ValidatingWebhookConfiguration of this name in step with the limits");
  app.add_option("--webhook-url", options.reached_at.url, "how the API server reaches /validate: its whole address");
  app.add_option("--webhook-service", service, "how the API server reaches it: NAMESPACE/NAME of a Service, port 443");
  app.add_option("--own-kinds-failure-policy", own_kinds_policy,
                 "what becomes of writes of Headroom's own kinds that no webhook answers: Ignore lets the rules of "
                 "their definitions judge alone. Limits say it for what they match")
      ->capture_default_str()
      ->check(CLI::IsMember({"Fail", "Ignore"}));
  app.add_option("--drain-delay-seconds", delay_seconds,
                 "how long it goes on as before when it is told to end, for Services to leave it out")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 300.0));
  app.add_option(
         "--drain-seconds", drain_seconds,
         "within which it ends, that time included; less than the pod's terminationGracePeriodSeconds. API servers "
         "leave idle connections after 90 s: ending sooner can lose a call")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 600.0));
  app.add_option("--connection-seconds", connection_seconds,
                 "age at which a connection is given up for a new one, so that new replicas get their share")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 86400.0));
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

  BOOST_OUTCOME_TRY(reviews, net::parse_listen_address("--listen", listen));
  options.address = reviews.address;
  options.port = reviews.port;
  BOOST_OUTCOME_TRY(health_at, net::parse_listen_address("--health-listen", health));
  options.health_address = health_at.address;
  options.health_port = health_at.port;
  BOOST_OUTCOME_TRY(serving, metrics.serving());
  options.metrics = serving;
  if (!options.configuration.empty()) {
    WebhookAddress& address = options.reached_at;
    if (address.url.empty() == service.empty()) {
      return invalid("--webhook-configuration: needs either --webhook-url or --webhook-service");
    }
    if (!address.url.empty() && !(address.url.starts_with("https://") && address.url.ends_with(kReviewPath))) {
      return invalid(absl::StrCat("--webhook-url: '", address.url, "' is not https://HOST:PORT", kReviewPath));
    }
    if (!service.empty()) {
      const std::pair<std::string, std::string> parts = absl::StrSplit(service, absl::MaxSplits('/', 1));
      if (parts.first.empty() || parts.second.empty()) {
        return invalid(absl::StrCat("--webhook-service: '", service, "' is not NAMESPACE/NAME"));
      }
      address.service_ns = parts.first;
      address.service = parts.second;
    }
  }
  certificate.lifetimes = {absl::Seconds(authority_seconds), absl::Seconds(leaf_seconds)};
  certificate.propagation = absl::Seconds(propagation_seconds);
  BOOST_OUTCOME_TRYV(check_certificate_options(certificate, options.configuration, options.reached_at));
  const auto milliseconds = [](double seconds) { return absl::ToChronoMilliseconds(absl::Seconds(seconds)); };
  options.query_interval = milliseconds(query_seconds);
  options.drain = milliseconds(drain_seconds);
  options.drain_delay = milliseconds(delay_seconds);
  options.connection_life = milliseconds(connection_seconds);
  if (delay_seconds * 2 > drain_seconds) {
    return invalid(absl::StrCat("--drain-delay-seconds: ", delay_seconds, " is more than half of --drain-seconds, ",
                                drain_seconds, ": lower the one or raise the other"));
  }
  options.reached_at.own_kinds_fail = own_kinds_policy == "Fail";
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
