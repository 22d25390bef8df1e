#include "operator/cli/planning_source.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "operator/base/time_zone.h"
#include "operator/cli/cluster.h"
#include "operator/kube/client.h"
#include "operator/manifest/reader.h"

namespace headroom::cli {
namespace {

using nlohmann::json;

bool is_manifest(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

Result<std::vector<std::string>> expanded(const std::vector<std::string>& paths, bool recursive) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code failed;
    if (recursive || !std::filesystem::is_directory(path, failed)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> inside;
    for (const auto& entry : std::filesystem::directory_iterator(path, failed)) {
      if (is_manifest(entry.path()) && !entry.is_directory(failed)) inside.push_back(entry.path().string());
    }
    if (failed) return invalid("--filename: " + path + " cannot be read: " + failed.message());
    if (inside.empty()) return invalid("--filename: " + path + " holds no *.yaml, *.yml or *.json; -R looks deeper");
    std::ranges::sort(inside);
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

Result<std::vector<manifest::Document>> read_documents(const std::vector<std::string>& paths, bool recursive,
                                                       Console& console) {
  BOOST_OUTCOME_TRY(files, expanded(paths, recursive));
  manifest::ReadResult read = manifest::read_paths(files, console.in);
  std::string problems;
  for (const manifest::Problem& problem : read.problems) {
    if (problem.severity != manifest::Problem::Severity::Error) continue;
    problems += (problems.empty() ? "" : "\n") + problem.to_string();
  }
  if (read.failed()) return invalid(problems);
  return std::move(read.documents);
}

Status read_cluster(kube::Client& client, const std::string& ns, std::vector<json>& objects) {
  // All targets: those of other namespaces take from the same regions.
  for (const kube::ResourceType* type :
       {&kube::types::kScaleTarget, &kube::types::kFestivalSchedule, &kube::types::kRegion}) {
    const bool required = type == &kube::types::kScaleTarget;
    Result<std::vector<json>> all = required ? list_all(client, *type, "") : list_if_served(client, *type, "");
    if (!all && all.error().code == ErrorCode::Forbidden && type->namespaced && !ns.empty()) {
      all = list_all(client, *type, ns);
    }
    if (!all) return all.error();
    for (json& one : all.value()) objects.push_back(std::move(one));
  }
  // Calendars lie in ConfigMaps; only those that schedules name are read.
  std::vector<api::ObjectKey> wanted;
  for (const json& object : objects) {
    if (object.value("kind", "") != "FestivalSchedule") continue;
    const auto schedule = api::festival_schedule_from_json(object);
    if (!schedule) continue;
    for (const api::Occurrence& occurrence : schedule.value().spec.occurrences) {
      if (occurrence.calendar) wanted.push_back({schedule.value().meta.ns, occurrence.calendar->config_map});
    }
  }
  for (const api::ObjectKey& key : wanted) {
    Result<json> map = client.get(kube::types::kConfigMap, key, {});
    if (map) objects.push_back(std::move(map).value());
  }
  return ok();
}

Result<absl::TimeZone> telling_zone(const std::string& asked, const PlanningWorld& world) {
  if (!asked.empty()) return load_time_zone(asked);
  std::string name;
  for (const api::FestivalSchedule& schedule : world.schedules) {
    if (!name.empty() && name != schedule.spec.time_zone) return absl::UTCTimeZone();
    name = schedule.spec.time_zone;
  }
  if (name.empty()) return absl::UTCTimeZone();
  Result<absl::TimeZone> zone = load_time_zone(name);
  return zone ? zone.value() : absl::UTCTimeZone();
}

}  // namespace

void declare_source(CLI::App& app, SourceFlags& flags) {
  app.add_option("-f,--filename", flags.files, "files or folders instead of a cluster; - reads standard input")
      ->allow_extra_args(false);
  app.add_flag("-R,--recursive", flags.recursive, "with -f: subfolders too");
  app.add_option("--workloads", flags.workloads, "REGION=PATH: workloads and autoscalers of another region's cluster")
      ->allow_extra_args(false);
  app.add_option("--time-zone", flags.time_zone, "zone to tell times in; default: that of the schedules");
}

Result<std::vector<json>> read_files(const std::vector<std::string>& paths, bool recursive, Console& console) {
  BOOST_OUTCOME_TRY(documents, read_documents(paths, recursive, console));
  std::vector<json> objects;
  for (const manifest::Document& document : documents) objects.push_back(document.object());
  return objects;
}

Result<PlanningSource> read_source(const SourceFlags& flags, const Context& context) {
  PlanningSource source;
  std::vector<json> live;
  std::vector<manifest::Document> documents;
  std::vector<GivenObject> given;
  if (flags.offline()) {
    BOOST_OUTCOME_TRY(home, read_documents(flags.files, flags.recursive, context.console));
    documents = std::move(home);
    std::vector<std::string> regions(documents.size());
    for (const std::string& workload : flags.workloads) {
      const std::size_t sign = workload.find('=');
      if (sign == std::string::npos || sign == 0) {
        return invalid("--workloads: '" + workload + "' is not REGION=PATH, for example chennai=chennai/");
      }
      BOOST_OUTCOME_TRY(more, read_documents({workload.substr(sign + 1)}, flags.recursive, context.console));
      for (manifest::Document& document : more) {
        documents.push_back(std::move(document));
        regions.push_back(workload.substr(0, sign));
      }
    }
    for (std::size_t d = 0; d < documents.size(); ++d) {
      given.push_back({&documents[d].object(), documents[d].start().to_string(), regions[d]});
    }
    source.ns = context.flags.all_namespaces ? "" : context.flags.ns;
  } else {
    if (!flags.workloads.empty()) return invalid("--workloads goes with --filename; a cluster knows its own");
    BOOST_OUTCOME_TRY(connection, connect(context));
    source.ns = connection.ns;
    source.client = connection.client;
    BOOST_OUTCOME_TRYV(read_cluster(*source.client, source.ns, live));
    for (const json& object : live) given.push_back({&object, "", ""});
  }
  const bool here = flags.offline() && !source.ns.empty();
  source.world = planning_world(given, here ? source.ns : kDefaultNamespace);
  BOOST_OUTCOME_TRY(zone, telling_zone(flags.time_zone, source.world));
  source.zone = zone;
  return source;
}

plan::ZoneLoader zone_loader() {
  auto known = std::make_shared<std::map<std::string, absl::TimeZone>>();
  return [known](const std::string& name) -> Result<absl::TimeZone> {
    if (const auto found = known->find(name); found != known->end()) return found->second;
    BOOST_OUTCOME_TRY(zone, load_time_zone(name));
    known->emplace(name, zone);
    return zone;
  };
}

}  // namespace headroom::cli
