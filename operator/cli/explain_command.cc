// headroom explain: why one target has its size, and what comes next.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

#include "operator/cli/command.h"
#include "operator/cli/explanation.h"
#include "operator/cli/planning_source.h"
#include "operator/cli/when.h"
#include "operator/cli/yaml_text.h"

namespace headroom::cli {
namespace {

struct ExplainFlags {
  SourceFlags source;
  std::string target, at = "now";
};

Result<int> find_target(const PlanningSource& source, const std::string& name, const std::string& ns) {
  const std::size_t slash = name.find('/');
  const std::string wanted_ns = slash == std::string::npos ? ns : name.substr(0, slash);
  const std::string wanted = slash == std::string::npos ? name : name.substr(slash + 1);
  std::vector<int> found;
  std::string names;
  for (std::size_t t = 0; t < source.world.targets.size(); ++t) {
    const api::ObjectKey key = source.world.targets[t].meta.key();
    if (!wanted_ns.empty() && key.ns != wanted_ns) continue;
    if (key.name == wanted) found.push_back(static_cast<int>(t));
    names += (names.empty() ? "" : ", ") + key.to_string();
  }
  if (found.empty()) {
    constexpr std::size_t kMostNames = 400;
    if (names.size() > kMostNames) names = names.substr(0, names.rfind(',', kMostNames)) + ", ...";
    return invalid("there is no ScaleTarget " + name + (names.empty() ? "; there is none" : "; there are " + names));
  }
  if (found.size() > 1) return invalid(name + " is in several namespaces; write NAMESPACE/" + wanted);
  return found.front();
}

Result<ExitCode> run(const ExplainFlags& flags, const Context& context) {
  BOOST_OUTCOME_TRY(output, output_of(context.flags, {Output::Table, Output::Wide, Output::Json, Output::Yaml}));
  BOOST_OUTCOME_TRY(source, read_source(flags.source, context));
  BOOST_OUTCOME_TRY(target, find_target(source, flags.target, source.ns));
  const absl::Time now = context.console.now();
  BOOST_OUTCOME_TRY(at, parse_when(flags.at, "--at", source.zone, now));
  BOOST_OUTCOME_TRY(told,
                    explain(source.world, target, at, flags.source.offline() ? std::min(at, now) : now, zone_loader()));
  if (output == Output::Json) {
    context.console.out << explanation_json(source.world, told).dump(2) << '\n';
  } else if (output == Output::Yaml) {
    context.console.out << yaml_text(explanation_json(source.world, told));
  } else {
    context.console.out << explanation_text(source.world, told, source.zone, context.console.colours);
  }
  return ExitCode::Fine;
}

}  // namespace

Command explain_command() {
  return {"explain", "Why a target has its size, who lost, and what comes next", [](CLI::App& app) -> Run {
            auto flags = std::make_shared<ExplainFlags>();
            app.add_option("target", flags->target, "a ScaleTarget: NAME or NAMESPACE/NAME")->required();
            app.add_option("--at", flags->at, "another instant than now")->capture_default_str();
            declare_source(app, flags->source);
            return [flags](const Context& context) { return run(*flags, context); };
          }};
}

}  // namespace headroom::cli
