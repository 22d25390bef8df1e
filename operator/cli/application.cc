#include "operator/cli/application.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "operator/cli/completion_command.h"
#include "operator/plan/text.h"

namespace headroom::cli {
namespace {

constexpr char kAbout[] = "Headroom: what is planned, why, and what will happen on the festival";
constexpr char kFooter[] =
    "Exit codes: 0 done or fine; 1 something asks for attention; 2 wrong usage, unreadable input, or no answer.\n"
    "As kubectl plugin: kubectl headroom COMMAND.";

struct NamedOutput {
  Output output;
  const char* name;
};
constexpr NamedOutput kOutputs[] = {{Output::Table, "table"}, {Output::Wide, "wide"},    {Output::Json, "json"},
                                    {Output::Yaml, "yaml"},   {Output::Calendar, "ics"}, {Output::Picture, "svg"},
                                    {Output::Sarif, "sarif"}, {Output::JUnit, "junit"}};

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands = {plan_command(),   explain_command(),   simulate_command(),
                                                 lint_command(),   status_command(),    top_command(),
                                                 limits_command(), suspend_command(),   resume_command(),
                                                 report_command(), uninstall_command(), completion_command()};
  return kCommands;
}

std::vector<std::string> output_names() {
  std::vector<std::string> names;
  for (const NamedOutput& named : kOutputs) names.emplace_back(named.name);
  return names;
}

Result<Output> output_of(const GlobalFlags& flags, const std::vector<Output>& offered) {
  std::string names;
  for (const NamedOutput& named : kOutputs) {
    if (std::ranges::find(offered, named.output) == offered.end()) continue;
    if (flags.output == named.name) return named.output;
    names += (names.empty() ? "" : ", ") + std::string(named.name);
  }
  return invalid("--output: '" + flags.output + "' is none of " + names);
}

void declare_tool(CLI::App& app, GlobalFlags& flags, std::vector<Run>& runs) {
  app.description(kAbout);
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", plan::concat("headroom ", HEADROOM_VERSION), "print the version");
  app.add_option("-n,--namespace", flags.ns, "namespace; default: the context's");
  app.add_flag("-A,--all-namespaces", flags.all_namespaces, "all namespaces");
  app.add_option("--context", flags.context, "context of the kubeconfig; default: its current one");
  app.add_option("--kubeconfig", flags.kubeconfig, "kubeconfig file; default: $KUBECONFIG, ~/.kube/config, in-cluster");
  app.add_option("-o,--output", flags.output,
                 "table, wide, json or yaml; plan also svg and ics, lint also sarif and junit")
      ->capture_default_str();
  app.add_option("--request-timeout", flags.request_timeout, "longest time for one request to the cluster")
      ->capture_default_str();
  for (const Command& command : commands()) {
    CLI::App* own = app.add_subcommand(command.name, command.summary);
    own->fallthrough();
    runs.push_back(command.declare(*own));
  }
}

ExitCode run_tool(const std::vector<std::string>& arguments, Console& console) {
  if (!arguments.empty() && arguments.front() == kCompleteRequest) {
    console.out << complete({arguments.begin() + 1, arguments.end()}, names_of);
    return ExitCode::Fine;
  }
  CLI::App app("", "headroom");
  GlobalFlags flags;
  std::vector<Run> runs;
  declare_tool(app, flags, runs);
  try {
    // CLI11 takes a list from its end.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    const bool asked = error.get_exit_code() == 0;  // --help, --version
    const std::vector<std::string> rest = app.remaining();
    if (!asked && app.get_subcommands().empty() && !rest.empty()) {
      std::string names;
      for (const Command& command : commands()) names += (names.empty() ? "" : ", ") + command.name;
      console.errors << "headroom: there is no command " << rest.front() << "; there are " << names << '\n';
      return ExitCode::CannotTell;
    }
    app.exit(error, console.out, console.errors);
    return asked ? ExitCode::Fine : ExitCode::CannotTell;
  }
  for (std::size_t c = 0; c < runs.size(); ++c) {
    if (!app.got_subcommand(commands()[c].name)) continue;
    const Result<ExitCode> code = runs[c](Context{flags, console});
    if (code) return code.value();
    console.errors << "headroom: " << code.error().message << '\n';
    return ExitCode::CannotTell;
  }
  return ExitCode::CannotTell;
}

}  // namespace headroom::cli
