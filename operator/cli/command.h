// What every command of the tool is: a name, a line about it, flags, and what runs it.
#pragma once

#include <absl/time/time.h>

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace CLI {
class App;
}

namespace headroom::cli {

/// Exit codes, the same for all commands; in the README and in `--help`.
enum class ExitCode {
  Fine = 0,        ///< done, or all is well
  Attention = 1,   ///< something asks for attention: a check that does not hold, a person who said no
  CannotTell = 2,  ///< wrong usage, unreadable input, a cluster that does not answer
};

/// Where a command reads and writes, and what it knows of the world around it.
struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& errors;
  bool colours = false;      ///< `out` is a terminal, and NO_COLOR is not set
  bool interactive = false;  ///< a person can be asked
  std::function<absl::Time()> now;
};

enum class Output { Table, Wide, Json, Yaml, Calendar, Picture, Sarif, JUnit };

struct GlobalFlags {
  std::string ns;  ///< as given; empty: the context's
  bool all_namespaces = false;
  std::string context, kubeconfig;
  std::string output = "table";
  std::string request_timeout = "15s";
};

struct Context {
  const GlobalFlags& flags;
  Console& console;
};

/// Runs a command whose flags have been read. An error is printed by the caller and ends the tool with CannotTell.
using Run = std::function<Result<ExitCode>(const Context& context)>;

struct Command {
  std::string name, summary;
  /// Adds the command's own flags to its `app`; they are read before Run is called.
  std::function<Run(CLI::App& app)> declare;
};

/// Every command, in the order in which `--help` lists them.
const std::vector<Command>& commands();

// Each in the file of its name.
Command plan_command();
Command explain_command();
Command simulate_command();
Command lint_command();
Command status_command();
Command top_command();
Command limits_command();
Command suspend_command();
Command resume_command();
Command report_command();
Command uninstall_command();
Command completion_command();

/// What --output may say, of all commands together.
std::vector<std::string> output_names();
/// InvalidArgument names the outputs that the command has.
Result<Output> output_of(const GlobalFlags& flags, const std::vector<Output>& offered);

}  // namespace headroom::cli
