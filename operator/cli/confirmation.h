// Asking before something is changed.
#pragma once

#include <string>

#include "operator/cli/command.h"

namespace headroom::cli {

/// Whether the person says yes. `yes` answers for them. Where nobody can be asked: InvalidArgument, which names --yes.
Result<bool> confirmed(Console& console, const std::string& question, bool yes);

/// The manager of what the tool writes.
inline constexpr char kToolManager[] = "headroom-cli";

}  // namespace headroom::cli
