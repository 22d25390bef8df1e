// headroom status, and headroom top, which draws it again and again.
#include <CLI/CLI.hpp>
#include <chrono>
#include <ostream>
#include <thread>

#include "operator/base/duration.h"
#include "operator/cli/command.h"
#include "operator/cli/status_source.h"
#include "operator/cli/yaml_text.h"

namespace headroom::cli {
namespace {

ExitCode code_of(Verdict verdict) {
  return verdict == Verdict::Fine        ? ExitCode::Fine
         : verdict == Verdict::Attention ? ExitCode::Attention
                                         : ExitCode::CannotTell;
}

Result<ExitCode> run_status(const StatusFlags& flags, const Context& context) {
  BOOST_OUTCOME_TRY(output, output_of(context.flags, {Output::Table, Output::Wide, Output::Json, Output::Yaml}));
  BOOST_OUTCOME_TRY(connection, connect(context));
  const StatusFacts facts = read_status(connection, flags);
  const absl::Time now = context.console.now();
  const StatusReport report = judge_status(facts, now);
  if (output == Output::Json) {
    context.console.out << status_json(facts, report, now).dump(2) << '\n';
  } else if (output == Output::Yaml) {
    context.console.out << yaml_text(status_json(facts, report, now));
  } else {
    context.console.out << status_text(facts, report, now, context.console.colours);
  }
  return code_of(report.verdict);
}

struct TopFlags {
  StatusFlags status;
  std::string every = "2s";
  int rounds = 0;
};

Result<ExitCode> run_top(const TopFlags& flags, const Context& context) {
  constexpr char kHomeAndClear[] = "\x1b[H\x1b[2J";
  BOOST_OUTCOME_TRY(every, parse_duration(flags.every));
  if (every < absl::Milliseconds(500)) return invalid("--every: " + flags.every + " is shorter than 500ms");
  BOOST_OUTCOME_TRY(connection, connect(context));
  Verdict last = Verdict::CannotTell;
  for (int round = 1;; ++round) {
    const StatusFacts facts = read_status(connection, flags.status);
    const absl::Time now = context.console.now();
    const StatusReport report = judge_status(facts, now);
    last = report.verdict;
    if (context.console.colours) context.console.out << kHomeAndClear;
    context.console.out << absl::FormatTime("%H:%M:%S  ", now, absl::LocalTimeZone())
                        << status_text(facts, report, now, context.console.colours) << std::flush;
    if (!context.console.out) break;  // nobody reads any more
    if (flags.rounds > 0 && round >= flags.rounds) break;
    std::this_thread::sleep_for(absl::ToChronoMilliseconds(every));
  }
  return code_of(last);
}

}  // namespace

Command status_command() {
  return {"status", "Whether all is well; exit code 0 fine, 1 attention, 2 cannot tell", [](CLI::App& app) -> Run {
            auto flags = std::make_shared<StatusFlags>();
            declare_status(app, *flags);
            return [flags](const Context& context) { return run_status(*flags, context); };
          }};
}

Command top_command() {
  return {"top", "The status, live, until Ctrl-C", [](CLI::App& app) -> Run {
            auto flags = std::make_shared<TopFlags>();
            declare_status(app, flags->status);
            app.add_option("--every", flags->every, "time between two looks")->capture_default_str();
            app.add_option("--rounds", flags->rounds, "stop after so many looks; 0: never")
                ->capture_default_str()
                ->check(CLI::NonNegativeNumber);
            return [flags](const Context& context) { return run_top(*flags, context); };
          }};
}

}  // namespace headroom::cli
