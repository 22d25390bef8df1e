// headroom, also installed as kubectl-headroom: arguments in, exit code out.
#include <absl/time/clock.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "operator/base/log.h"
#include "operator/cli/application.h"
#include "operator/kube/cpprest_transport.h"

int main(int argc, char** argv) {
  using namespace headroom;
  std::signal(SIGPIPE, SIG_IGN);  // a peer that closes while we write is an error code; so is `| head`
  log::configure(log::Level::Error, log::Format::Text);
  kube::initialise_http();
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody writes the environment
  const char* no_colour = std::getenv("NO_COLOR");
  cli::Console console{std::cin,
                       std::cout,
                       std::cerr,
                       isatty(STDOUT_FILENO) == 1 && (!no_colour || !*no_colour),
                       isatty(STDIN_FILENO) == 1,
                       [] { return absl::Now(); }};
  return static_cast<int>(cli::run_tool({argv + 1, argv + argc}, console));
}
