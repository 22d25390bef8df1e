#include "tests/support/hack_script.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "operator/kube/child_process.h"

namespace headroom::testing {

std::string run_hack(const std::string& script, std::vector<std::string> arguments, std::chrono::minutes at_most) {
  arguments.insert(arguments.begin(), HEADROOM_SOURCE_FOLDER "/hack/" + script);
  std::vector<std::string> environment;
  for (char** one = environ; *one != nullptr; ++one) environment.emplace_back(*one);
  auto child = kube::run_child(arguments, environment, std::size_t{1} << 20U, at_most, {});
  if (child && child.value().exit_code == 0) return std::move(child.value().output);
  std::fprintf(stderr, "hack/%s %s failed: %s\n", script.c_str(), arguments.at(1).c_str(),
               (child ? child.value().errors : child.error().message).c_str());
  std::abort();
}

}  // namespace headroom::testing
