// The tool as a function: arguments in, exit code out.
#pragma once

#include "operator/cli/command.h"

namespace headroom::cli {

/// `arguments` without the program's name.
ExitCode run_tool(const std::vector<std::string>& arguments, Console& console);

/// Declares global flags and all commands on `app`; `runs` is filled parallel to commands(). Completion walks the
/// result to know what there is.
void declare_tool(CLI::App& app, GlobalFlags& flags, std::vector<Run>& runs);

}  // namespace headroom::cli
