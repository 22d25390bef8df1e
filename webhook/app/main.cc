// headroom-webhook: reads its options, starts one webhook::Webhook, waits for a signal, stops it.
#include <csignal>
#include <cstdio>

#include "operator/base/clock.h"
#include "operator/base/log.h"
#include "operator/kube/cpprest_transport.h"
#include "operator/runtime/manager.h"
#include "webhook/app/options.h"
#include "webhook/app/webhook.h"

int main(int argc, char** argv) {
  using namespace headroom;

  const runtime::TerminationSignals signals;
  std::signal(SIGPIPE, SIG_IGN);  // a peer that closes while we write is an error code, not the end of the process

  auto parsed = webhook::parse_command_line(argc, argv);
  if (!parsed) {
    std::fprintf(stderr, "headroom-webhook: %s\n", parsed.error().message.c_str());
    return 2;
  }
  webhook::CommandLine line = std::move(parsed).value();
  if (line.print_and_exit) {
    std::fputs(line.print_and_exit->c_str(), stdout);
    return 0;
  }
  log::configure(line.log_level, line.log_format);
  kube::initialise_http();

  const SystemClock clock;
  webhook::Webhook instance(std::move(line.options), std::move(line.home), clock);
  if (const auto started = instance.start(); !started) {
    log::error("start failed", {{"error", started.error().message}});
    return 1;
  }
  signals.wait();
  log::info("stopping");
  instance.stop();
  return 0;
}
