// headroom report: an archive for a support case, without secrets.
#include <CLI/CLI.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "operator/api/object.h"
#include "operator/cli/command.h"
#include "operator/cli/redaction.h"
#include "operator/cli/status_source.h"
#include "operator/cli/tar_archive.h"
#include "operator/cli/yaml_text.h"
#include "operator/kube/client.h"

namespace headroom::cli {
namespace {

using nlohmann::json;

struct ReportFlags {
  StatusFlags status;
  std::string file;
};

/// What is worth reading of a cluster, and no more: objects of Headroom's own, and what it runs as.
struct Part {
  const char* file;
  const kube::ResourceType* type;
  bool system_only;  ///< of Headroom's own namespace
};

Result<ExitCode> run(const ReportFlags& flags, const Context& context) {
  BOOST_OUTCOME_TRY(connection, connect(context));
  const absl::Time now = context.console.now();
  const std::string stem = "headroom-report-" + absl::FormatTime("%Y%m%dT%H%M%SZ", now, absl::UTCTimeZone());
  const StatusFacts facts = read_status(connection, flags.status);
  const StatusReport report = judge_status(facts, now);
  std::vector<std::pair<std::string, std::string>> files;
  files.emplace_back(stem + "/status.txt", status_text(facts, report, now, false));
  std::string unread;
  const Part parts[] = {{"scaletargets.yaml", &kube::types::kScaleTarget, false},
                        {"festivalschedules.yaml", &kube::types::kFestivalSchedule, false},
                        {"regions.yaml", &kube::types::kRegion, false},
                        {"scalelimits.yaml", &kube::types::kScaleLimit, false},
                        {"clusterscalelimits.yaml", &kube::types::kClusterScaleLimit, false},
                        {"limitledgers.yaml", &kube::types::kLimitLedger, true},
                        {"leases.yaml", &kube::types::kLease, true},
                        {"deployments.yaml", &kube::types::kDeployment, true},
                        {"pods.yaml", &kube::types::kPod, true},
                        {"events.yaml", &kube::types::kEvent, true},
                        {"webhookconfigurations.yaml", &kube::types::kValidatingWebhookConfiguration, false}};
  for (const Part& part : parts) {
    const std::string ns = part.system_only ? flags.status.system_namespace : connection.ns;
    Result<std::vector<json>> all = list_all(*connection.client, *part.type, part.type->namespaced ? ns : "");
    if (!all) {
      unread += all.error().message + "\n";
      continue;
    }
    json items = json::array();
    for (const json& object : all.value()) items.push_back(redacted(object));
    files.emplace_back(stem + "/" + part.file, yaml_text({{"items", std::move(items)}}));
  }
  const Result<kube::Response> version = connection.client->raw_get("/version", {});
  if (version) files.emplace_back(stem + "/version.json", version.value().body);
  if (!unread.empty()) files.emplace_back(stem + "/unread.txt", unread);
  const std::string path = flags.file.empty() ? stem + ".tar.gz" : flags.file;
  std::ofstream out(path, std::ios::binary);
  out << gzipped(tar_archive(files, now));
  out.close();
  if (!out) return invalid("--file: " + path + " cannot be written");
  context.console.out << path << ": " << files.size()
                      << " files; without values of Secrets and ConfigMaps, tokens, keys and kubeconfigs. Look through "
                         "it before you send it.\n";
  return unread.empty() ? ExitCode::Fine : ExitCode::Attention;
}

}  // namespace

Command report_command() {
  return {"report", "Write an archive for a support case, without secrets", [](CLI::App& app) -> Run {
            auto flags = std::make_shared<ReportFlags>();
            declare_status(app, flags->status);
            app.add_option("--file", flags->file, "where to write; default: headroom-report-TIME.tar.gz here");
            return [flags](const Context& context) { return run(*flags, context); };
          }};
}

}  // namespace headroom::cli
