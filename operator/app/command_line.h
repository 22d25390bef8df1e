// The operator's command line and configuration file → options. Reads files; otherwise pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "operator/base/clock.h"
#include "operator/base/log.h"
#include "operator/base/result.h"
#include "operator/controllers/options.h"
#include "operator/kube/config.h"

namespace headroom::app {

struct CommandLine {
  controllers::OperatorOptions options;
  kube::ClusterConfig home;
  std::unique_ptr<Clock> clock;
  log::Level log_level = log::Level::Info;
  log::Format log_format = log::Format::Json;
  std::optional<std::string> print_and_exit;  ///< --help, --version
};

/// Errors name the flag, the value and the remedy.
Result<CommandLine> parse_command_line(int argc, const char* const* argv);

/// The configuration file, YAML:
///   receivers: [{name, type: Alertmanager|Webhook, urls: [...]}]
///   allowedFields: [{group, resource, path}]
///   allowedExec: [command]
/// Unknown keys are errors: a misspelt receiver would otherwise be silence on the festival night.
Status read_configuration(std::string_view yaml, controllers::OperatorOptions& options);

/// "2026-11-04T18:00:00Z@7200,2026-11-05T00:00:00Z@600": wall instants in ascending order, each with the speed from
/// there on. Only the demonstration and tests replay a calendar.
Result<std::vector<ClockSegment>> parse_clock_segments(const std::string& text);

}  // namespace headroom::app
