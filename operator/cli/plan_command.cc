// headroom plan: the future of targets.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

#include "operator/cli/cluster_room.h"
#include "operator/cli/command.h"
#include "operator/cli/forecast.h"
#include "operator/cli/forecast_picture.h"
#include "operator/cli/forecast_text.h"
#include "operator/cli/planning_source.h"
#include "operator/cli/when.h"
#include "operator/cli/yaml_text.h"
#include "operator/kube/client.h"

namespace headroom::cli {
namespace {

/// Without --at, --from and --to: a week from now, or the next occurrence of the schedule with a day around it.
constexpr absl::Duration kDefaultRange = absl::Hours(7 * 24), kAround = absl::Hours(24);

struct PlanFlags {
  SourceFlags source;
  std::string schedule, at, from, to;
};

struct Range {
  absl::Time from, to;
  bool instant = false;
};

Range next_occurrence(const PlanningWorld& world, const std::string& name, absl::Time now) {
  std::vector<std::string> problems;
  std::optional<Range> next;
  for (const auto& schedule : compile_schedules(world, now, zone_loader(), problems)) {
    if (schedule->key.name != name) continue;
    for (const plan::CompiledOccurrence& occurrence : schedule->occurrences) {
      if (occurrence.intervals.empty() || occurrence.intervals.back().to <= now) continue;
      const Range range{std::max(now, occurrence.intervals.front().from - kAround),
                        occurrence.intervals.back().to + kAround, false};
      if (!next || range.from < next->from) next = range;
    }
  }
  return next.value_or(Range{now, now + kDefaultRange, false});
}

Result<Range> range_of(const PlanFlags& flags, const PlanningSource& source, absl::Time now) {
  if (!flags.at.empty()) {
    if (!flags.from.empty() || !flags.to.empty()) return invalid("--at is one instant; use it without --from and --to");
    BOOST_OUTCOME_TRY(at, parse_when(flags.at, "--at", source.zone, now));
    return Range{at, at, true};
  }
  if (flags.from.empty() && flags.to.empty()) {
    if (!flags.schedule.empty()) return next_occurrence(source.world, flags.schedule, now);
    return Range{now, now + kDefaultRange, false};
  }
  Range range{now, now, false};
  if (!flags.from.empty()) {
    BOOST_OUTCOME_TRY(from, parse_when(flags.from, "--from", source.zone, now));
    range.from = from;
  }
  range.to = range.from + kDefaultRange;
  if (!flags.to.empty()) {
    BOOST_OUTCOME_TRY(to, parse_when(flags.to, "--to", source.zone, now));
    range.to = to;
  }
  return range;
}

Status check_schedule(const PlanFlags& flags, const PlanningWorld& world) {
  if (flags.schedule.empty()) return ok();
  std::string names;
  for (const api::FestivalSchedule& schedule : world.schedules) {
    if (schedule.meta.name == flags.schedule) return ok();
    names += (names.empty() ? "" : ", ") + schedule.meta.name;
  }
  return invalid("there is no FestivalSchedule " + flags.schedule +
                 (names.empty() ? "; there is none at all" : "; there are " + names));
}

Result<ExitCode> run(const PlanFlags& flags, const Context& context) {
  BOOST_OUTCOME_TRY(output, output_of(context.flags, {Output::Table, Output::Wide, Output::Json, Output::Yaml,
                                                      Output::Picture, Output::Calendar}));
  BOOST_OUTCOME_TRY(source, read_source(flags.source, context));
  BOOST_OUTCOME_TRYV(check_schedule(flags, source.world));
  const absl::Time now = context.console.now();
  BOOST_OUTCOME_TRY(range, range_of(flags, source, now));
  if (range.instant && (output == Output::Picture || output == Output::Calendar)) {
    return invalid("--output " + context.flags.output + " shows a range; give --from and --to instead of --at");
  }
  if (source.client) read_room(*source.client, source.ns, source.world);
  ForecastRequest request{range.from, range.to, now, source.ns, flags.schedule, true};
  // Offline, a look back is a look at what would have been planned.
  if (flags.source.offline()) request.now = std::min(now, range.from - kDefaultRange);
  BOOST_OUTCOME_TRY(told, forecast(source.world, request, zone_loader()));
  ForecastView view{source.zone, context.console.colours, output == Output::Wide};
  std::ostream& out = context.console.out;
  switch (output) {
    case Output::Json:
      out << forecast_json(source.world, told).dump(2) << '\n';
      break;
    case Output::Yaml:
      out << yaml_text(forecast_json(source.world, told));
      break;
    case Output::Calendar:
      out << forecast_calendar(source.world, told, view, now);
      break;
    case Output::Picture:
      out << forecast_picture(source.world, told, view);
      break;
    default:
      out << (range.instant ? instant_text(source.world, told, view) : range_text(source.world, told, view));
  }
  return ExitCode::Fine;
}

}  // namespace

Command plan_command() {
  return {"plan", "What sizes are planned, when and why", [](CLI::App& app) -> Run {
            auto flags = std::make_shared<PlanFlags>();
            app.add_option("schedule", flags->schedule, "a FestivalSchedule; default: all");
            app.add_option("--at", flags->at, "what holds at one instant: 2027-10-29T18:00, now, +36h, +30d, +2w");
            app.add_option("--from", flags->from, "start of a range; default: now");
            app.add_option("--to", flags->to, "end of the range; default: a week later");
            declare_source(app, flags->source);
            return [flags](const Context& context) { return run(*flags, context); };
          }};
}

}  // namespace headroom::cli
