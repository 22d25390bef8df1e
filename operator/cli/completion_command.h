// Completion in shells: scripts that ask the tool itself, and the tool's answer.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "operator/cli/object_names.h"

namespace headroom::cli {

/// The hidden first argument by which shells ask.
inline constexpr char kCompleteRequest[] = "__complete";

/// Where names of objects come from: names_of(), or lists in tests. Asked once at most, and only where such a name is
/// what is typed, with the flags that are typed before it.
using NameSource = std::function<std::vector<std::vector<api::ObjectKey>>(const std::vector<NameKind>& kinds,
                                                                          const GlobalFlags& flags)>;

/// Candidates for the last of `words` (it may be empty), one a line with what it is about after a tab; then ":4", which
/// tells kubectl and the scripts not to offer files. ":0" where a file is wanted. Without the program's name.
std::string complete(const std::vector<std::string>& words, const NameSource& names);

}  // namespace headroom::cli
