// Where plan, explain and simulate take their objects from: files with -f, else the cluster. IO.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "operator/cli/command.h"
#include "operator/cli/planning_world.h"

namespace headroom::kube {
class Client;
}

namespace headroom::cli {

/// The flags, as declare_source() adds them.
struct SourceFlags {
  std::vector<std::string> files;      ///< -f
  bool recursive = false;              ///< -R
  std::vector<std::string> workloads;  ///< --workloads REGION=PATH
  std::string time_zone;
  bool offline() const { return !files.empty(); }
};

void declare_source(CLI::App& app, SourceFlags& flags);

struct PlanningSource {
  PlanningWorld world;
  absl::TimeZone zone;  ///< to tell times in: --time-zone, else the schedules' where they agree, else UTC
  std::string ns;       ///< of the targets to tell of; empty: all
  std::shared_ptr<kube::Client> client;  ///< of the cluster; null for files
};

Result<PlanningSource> read_source(const SourceFlags& flags, const Context& context);

/// The objects of -f, with files of folders but not of their subfolders unless `recursive`, as kubectl has it. Objects
/// that could not be read fail the whole.
Result<std::vector<nlohmann::json>> read_files(const std::vector<std::string>& paths, bool recursive, Console& console);

/// A loader that reads each zone once.
plan::ZoneLoader zone_loader();

}  // namespace headroom::cli
