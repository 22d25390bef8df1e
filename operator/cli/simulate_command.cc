// headroom simulate: many targets and schedules over a range, from files alone.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

#include "operator/cli/command.h"
#include "operator/cli/forecast.h"
#include "operator/cli/forecast_text.h"
#include "operator/cli/planning_source.h"
#include "operator/cli/when.h"
#include "operator/cli/yaml_text.h"

namespace headroom::cli {
namespace {

constexpr absl::Duration kYear = absl::Hours(365 * 24);

struct SimulateFlags {
  SourceFlags source;
  std::string from, to;
  bool strict = false;
};

Result<ExitCode> run(const SimulateFlags& flags, const Context& context) {
  BOOST_OUTCOME_TRY(output, output_of(context.flags, {Output::Table, Output::Wide, Output::Json, Output::Yaml}));
  BOOST_OUTCOME_TRY(source, read_source(flags.source, context));
  const absl::Time now = context.console.now();
  absl::Time from = now;
  if (!flags.from.empty()) {
    BOOST_OUTCOME_TRY(given, parse_when(flags.from, "--from", source.zone, now));
    from = given;
  }
  absl::Time to = from + kYear;
  if (!flags.to.empty()) {
    BOOST_OUTCOME_TRY(given, parse_when(flags.to, "--to", source.zone, now));
    to = given;
  }
  const ForecastRequest request{from, to, std::min(now, from), source.ns, "", false};
  BOOST_OUTCOME_TRY(told, forecast(source.world, request, zone_loader()));
  const ForecastView view{source.zone, context.console.colours, output == Output::Wide};
  if (output == Output::Json) {
    context.console.out << forecast_json(source.world, told).dump(2) << '\n';
  } else if (output == Output::Yaml) {
    context.console.out << yaml_text(forecast_json(source.world, told));
  } else {
    context.console.out << simulation_text(source.world, told, view);
  }
  return flags.strict && !told.warnings.empty() ? ExitCode::Attention : ExitCode::Fine;
}

}  // namespace

Command simulate_command() {
  return {"simulate", "Play targets and schedules through a range of time, offline", [](CLI::App& app) -> Run {
            auto flags = std::make_shared<SimulateFlags>();
            declare_source(app, flags->source);
            app.get_option("--filename")->required();
            app.add_option("--from", flags->from, "start; default: now");
            app.add_option("--to", flags->to, "end; default: a year later");
            app.add_flag("--strict", flags->strict, "exit with 1 when there are warnings");
            return [flags](const Context& context) { return run(*flags, context); };
          }};
}

}  // namespace headroom::cli
