// headroom lint: whether an API server, the webhook and the operator would take these files, and what they would make
// of them.
#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "operator/cli/command.h"
#include "operator/cli/planning_source.h"
#include "operator/lint/lint.h"

namespace headroom::cli {
namespace {

struct LintFlags {
  std::vector<std::string> files;
  std::string system_namespace = "headroom-system";
  bool warnings_as_errors = false, notes = false;
};

Result<lint::Format> format_of(const GlobalFlags& flags) {
  BOOST_OUTCOME_TRY(output, output_of(flags, {Output::Table, Output::Json, Output::Sarif, Output::JUnit}));
  if (output == Output::Json) return lint::Format::Json;
  if (output == Output::Sarif) return lint::Format::Sarif;
  return output == Output::JUnit ? lint::Format::JUnit : lint::Format::Text;
}

Result<ExitCode> run(const LintFlags& flags, const Context& context) {
  BOOST_OUTCOME_TRY(format, format_of(context.flags));
  lint::Options options;
  options.now = context.console.now();
  options.zones = zone_loader();
  if (!context.flags.ns.empty()) options.default_namespace = context.flags.ns;
  options.own_namespace = flags.system_namespace;
  options.notes = flags.notes;
  const lint::Report report = lint::lint(manifest::read_paths(flags.files, context.console.in), options);
  context.console.out << lint::format(report, format);
  return report.exit_code(flags.warnings_as_errors) == 0 ? ExitCode::Fine : ExitCode::Attention;
}

}  // namespace

Command lint_command() {
  return {"lint", "Judge manifests without a cluster", [](CLI::App& app) -> Run {
            auto flags = std::make_shared<LintFlags>();
            app.add_option("-f,--filename", flags->files,
                           "files, or folders with all below them; - reads standard input")
                ->allow_extra_args(false)
                ->required();
            app.add_option("--system-namespace", flags->system_namespace, "where Headroom runs: no limit gates it")
                ->capture_default_str();
            app.add_flag("--warnings-as-errors", flags->warnings_as_errors, "exit with 1 for a warning, too");
            app.add_flag("--notes", flags->notes, "also what these files cannot tell");
            return [flags](const Context& context) { return run(*flags, context); };
          }};
}

}  // namespace headroom::cli
