// The scripts of hack/, for fixtures that start what tests need.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace headroom::testing {

/// What `hack/<script>` prints with these arguments. Crashes with its words when it fails or does not end in time: no
/// test of the program can run then.
std::string run_hack(const std::string& script, std::vector<std::string> arguments, std::chrono::minutes at_most);

}  // namespace headroom::testing
