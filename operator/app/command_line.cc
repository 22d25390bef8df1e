#include "operator/app/command_line.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>

#include "operator/base/duration.h"
#include "operator/base/random_seed.h"
#include "operator/net/listen_address.h"
#include "operator/status/metrics_flags.h"

namespace headroom::app {
namespace {

using controllers::AllowedField;
using controllers::OperatorOptions;
using controllers::Receiver;

constexpr std::size_t kMaxConfigurationBytes = 1 << 20;

/// Host name and a random part, so that two processes of one host, and one host's next life, differ.
std::string make_identity() {
  char host[256] = {};
  if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  return absl::StrCat(host[0] ? host : "operator", "_", absl::Hex(random_seed(), absl::kZeroPad16));
}

Result<std::string> read_file(const std::string& path, const std::string& flag) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return invalid(absl::StrCat(flag, ": cannot read ", path, ": check that it exists and is readable"));
  std::string text(kMaxConfigurationBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxConfigurationBytes) return invalid(absl::StrCat(flag, ": ", path, " is larger than 1 MiB"));
  return text;
}

Status known_keys(const YAML::Node& node, const std::string& path, const std::vector<std::string>& keys) {
  if (!node.IsMap()) return invalid(absl::StrCat(path, ": must be a mapping with ", absl::StrJoin(keys, ", ")));
  for (const auto& entry : node) {
    const std::string key = entry.first.as<std::string>();
    if (std::ranges::find(keys, key) == keys.end()) {
      return invalid(absl::StrCat(path, ".", key, ": unknown; known are ", absl::StrJoin(keys, ", ")));
    }
  }
  return ok();
}

Result<std::string> required(const YAML::Node& node, const std::string& path, const std::string& key) {
  const YAML::Node value = node[key];
  if (!value || !value.IsScalar() || value.as<std::string>().empty()) {
    return invalid(absl::StrCat(path, ".", key, ": required, a text that is not empty"));
  }
  return value.as<std::string>();
}

Result<Receiver> receiver_from(const YAML::Node& node, const std::string& path) {
  BOOST_OUTCOME_TRYV(known_keys(node, path, {"name", "type", "urls"}));
  Receiver receiver;
  BOOST_OUTCOME_TRY(name, required(node, path, "name"));
  receiver.name = name;
  BOOST_OUTCOME_TRY(type, required(node, path, "type"));
  if (type == "Alertmanager") {
    receiver.type = Receiver::Type::Alertmanager;
  } else if (type == "Webhook") {
    receiver.type = Receiver::Type::Webhook;
  } else {
    return invalid(absl::StrCat(path, ".type: ", type, " is neither Alertmanager nor Webhook"));
  }
  const YAML::Node urls = node["urls"];
  if (!urls || !urls.IsSequence() || urls.size() == 0) {
    return invalid(absl::StrCat(path, ".urls: required, a list of http or https addresses"));
  }
  for (const YAML::Node& url : urls) {
    const std::string text = url.IsScalar() ? url.as<std::string>() : "";
    if (!text.starts_with("http://") && !text.starts_with("https://")) {
      return invalid(absl::StrCat(path, ".urls: '", text, "' must start with http:// or https://"));
    }
    receiver.urls.push_back(text);
  }
  return receiver;
}

Result<AllowedField> allowed_field_from(const YAML::Node& node, const std::string& path) {
  BOOST_OUTCOME_TRYV(known_keys(node, path, {"group", "resource", "path"}));
  BOOST_OUTCOME_TRY(group, required(node, path, "group"));
  BOOST_OUTCOME_TRY(resource, required(node, path, "resource"));
  BOOST_OUTCOME_TRY(field, required(node, path, "path"));
  if (!field.starts_with(".spec.")) {
    return invalid(absl::StrCat(path, ".path: '", field, "' must start with .spec., for example .spec.instances"));
  }
  return AllowedField{group, resource, field};
}

template <class T, class Make>
Status read_list(const YAML::Node& root, const std::string& key, std::vector<T>& into, Make make) {
  const YAML::Node list = root[key];
  if (!list) return ok();
  if (!list.IsSequence()) return invalid(absl::StrCat(key, ": must be a list"));
  for (std::size_t i = 0; i < list.size(); ++i) {
    BOOST_OUTCOME_TRY(item, make(list[i], absl::StrCat(key, "[", i, "]")));
    into.push_back(std::move(item));
  }
  return ok();
}

}  // namespace

Status read_configuration(std::string_view yaml, OperatorOptions& options) {
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    if (root.IsNull()) return ok();
    BOOST_OUTCOME_TRYV(known_keys(root, "configuration", {"receivers", "allowedFields", "allowedExec"}));
    BOOST_OUTCOME_TRYV(read_list(root, "receivers", options.receivers, receiver_from));
    BOOST_OUTCOME_TRYV(read_list(root, "allowedFields", options.allowed_fields, allowed_field_from));
    return read_list(root, "allowedExec", options.allowed_exec,
                     [](const YAML::Node& node, const std::string& path) -> Result<std::string> {
                       if (!node.IsScalar()) return invalid(absl::StrCat(path, ": must be the name of a command"));
                       return node.as<std::string>();
                     });
  } catch (const YAML::Exception& error) {
    return invalid(absl::StrCat("configuration is not YAML: ", error.what()));
  }
}

Result<std::vector<ClockSegment>> parse_clock_segments(const std::string& text) {
  std::vector<ClockSegment> segments;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(text, ','))) {
    const std::pair<std::string, std::string> halves = absl::StrSplit(part, absl::MaxSplits('@', 1));
    const auto instant = parse_rfc3339(halves.first);
    double speed = 0;
    if (!instant || !absl::SimpleAtod(halves.second, &speed) || !(speed > 0) || speed > 1e6) {
      return invalid(
          absl::StrCat("--replay-clock: '", part, "' is not INSTANT@SPEED, for example 2026-11-04T18:00:00Z@7200"));
    }
    if (!segments.empty() && instant.value() <= segments.back().starts_at) {
      return invalid(absl::StrCat("--replay-clock: '", part, "' does not come after the part before it"));
    }
    segments.push_back({instant.value(), speed});
  }
  return segments;
}

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  OperatorOptions& options = line.options;
  std::string kubeconfig, context, listen = "0.0.0.0:8080", configuration, level = "info", format = "json", replay;
  double lease_seconds = 15;
  bool no_election = false, version = false;
  status::MetricsFlags metrics;

  CLI::App app{"Headroom: capacity that is ready before the crowd arrives", "headroom-operator"};
  app.add_option("--kubeconfig", kubeconfig, "kubeconfig file; absent: in-cluster, then $KUBECONFIG, ~/.kube/config");
  app.add_option("--context", context, "context of the kubeconfig; absent: its current one");
  app.add_option("--namespace", options.own_namespace, "the operator's own namespace: Lease, regions of From: Same")
      ->capture_default_str();
  app.add_option("--watch-namespace", options.watch_namespace, "act on one namespace only; absent: all");
  app.add_flag("--no-leader-election", no_election, "run without a Lease; never with two replicas");
  app.add_option("--lease-seconds", lease_seconds, "length of the Lease; renewed within two thirds of it")
      ->capture_default_str()
      ->check(CLI::Range(3.0, 600.0));
  app.add_option("--listen", listen, "address and port of /healthz, /readyz and /metrics; port 0: any free one")
      ->capture_default_str();
  metrics.add_to(app);
  app.add_option("--config", configuration, "YAML file with receivers, allowedFields and allowedExec");
  app.add_option("--workers", options.target_workers, "ScaleTargets reconciled at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  app.add_option("--log-level", level, "debug, info, warning or error")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_option("--log-format", format, "json or text")->capture_default_str()->check(CLI::IsMember({"json", "text"}));
  app.add_flag("--version", version, "print the version");
  app.add_option("--replay-clock", replay, "run through a calendar in fast motion: INSTANT@SPEED,...")->group("");

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.print_and_exit = app.help();
    return line;
  } catch (const CLI::ParseError& error) {
    return invalid(absl::StrCat(error.what(), "; --help lists the flags"));
  }
  if (version) {
    line.print_and_exit = absl::StrCat("headroom-operator ", HEADROOM_VERSION, "\n");
    return line;
  }

  BOOST_OUTCOME_TRY(listening, net::parse_listen_address("--listen", listen));
  options.listen_address = listening.address;
  options.listen_port = listening.port;
  BOOST_OUTCOME_TRY(serving, metrics.serving());
  options.metrics = serving;

  if (!configuration.empty()) {
    BOOST_OUTCOME_TRY(text, read_file(configuration, "--config"));
    if (const auto read = read_configuration(text, options); !read) return with_context(read.error(), configuration);
  }

  line.log_level = level == "debug"     ? log::Level::Debug
                   : level == "info"    ? log::Level::Info
                   : level == "warning" ? log::Level::Warning
                                        : log::Level::Error;
  line.log_format = format == "json" ? log::Format::Json : log::Format::Text;

  options.leader_election = !no_election;
  options.identity = make_identity();
  options.election.ns = options.own_namespace;
  options.election.name = "headroom-operator";
  options.election.identity = options.identity;
  const auto lease = std::chrono::milliseconds(static_cast<std::int64_t>(lease_seconds * 1000));
  options.election.lease = lease;
  options.election.renew_deadline = lease * 2 / 3;
  options.election.retry = lease * 2 / 15;

  if (replay.empty()) {
    line.clock = std::make_unique<SystemClock>();
  } else {
    BOOST_OUTCOME_TRY(segments, parse_clock_segments(replay));
    line.clock = std::make_unique<ReplayClock>(std::move(segments));
  }

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

}  // namespace headroom::app
