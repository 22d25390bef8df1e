// headroom-operator: reads its options, starts one controllers::Operator, waits for a signal, stops it.
#include <malloc.h>

#include <csignal>
#include <cstdio>

#include "operator/app/command_line.h"
#include "operator/app/operator.h"
#include "operator/base/clock.h"
#include "operator/base/log.h"
#include "operator/kube/cpprest_transport.h"
#include "operator/runtime/manager.h"

namespace {

/// Lists and plans come and go in large pieces. By its own rules glibc would spread them over an arena a thread and
/// keep their room after the first of them: measured with 10,000 targets, 50 MB of 160.
void bound_free_memory() {
#ifdef __GLIBC__
  // NOLINTBEGIN(concurrency-mt-unsafe): before there are threads
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 64 * 1024);
  mallopt(M_TRIM_THRESHOLD, 128 * 1024);
  // NOLINTEND(concurrency-mt-unsafe)
#endif
}

}  // namespace

int main(int argc, char** argv) {
  using headroom::app::CommandLine;
  using headroom::app::Operator;

  const headroom::runtime::TerminationSignals signals;
  std::signal(SIGPIPE, SIG_IGN);  // a peer that closes while we write is an error code, not the end of the process

  auto parsed = headroom::app::parse_command_line(argc, argv);
  if (!parsed) {
    std::fprintf(stderr, "headroom-operator: %s\n", parsed.error().message.c_str());
    return 2;
  }
  CommandLine line = std::move(parsed).value();
  if (line.print_and_exit) {
    std::fputs(line.print_and_exit->c_str(), stdout);
    return 0;
  }
  bound_free_memory();
  headroom::log::configure(line.log_level, line.log_format);
  headroom::kube::initialise_http();

  Operator instance(std::move(line.options), std::move(line.home), *line.clock);
  if (const auto started = instance.start(); !started) {
    headroom::log::error("start failed", {{"error", started.error().message}});
    return 1;
  }
  signals.wait();
  headroom::log::info("stopping");
  instance.stop();
  return 0;
}
