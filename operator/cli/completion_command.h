// Completion in shells: scripts that ask the tool itself, and the tool's answer.
#pragma once

#include <string>
#include <vector>

namespace headroom::cli {

/// The hidden first argument by which shells ask.
inline constexpr char kCompleteRequest[] = "__complete";

/// Candidates for the last of `words` (it may be empty), one a line with what it is about after a tab; then ":4", which
/// tells kubectl and the scripts not to offer files. ":0" where a file is wanted. Without the program's name.
std::string complete(const std::vector<std::string>& words);

}  // namespace headroom::cli
