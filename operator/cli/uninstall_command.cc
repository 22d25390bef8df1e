// headroom uninstall: what has to go before Headroom's programs and rights go. The chart runs it before it is
// uninstalled. It can be run again where it was broken off.
#include <CLI/CLI.hpp>
#include <ostream>
#include <thread>

#include "operator/base/clock.h"
#include "operator/base/duration.h"
#include "operator/cli/cluster.h"
#include "operator/cli/command.h"
#include "operator/cli/confirmation.h"
#include "operator/uninstall/uninstall.h"

namespace headroom::cli {
namespace {

using uninstall::Sizes;

struct UninstallFlags {
  uninstall::UninstallOptions options;
  std::string sizes = "Keep", timeout = "120s";
  bool yes = false;
};

Result<ExitCode> run(const UninstallFlags& flags, const Context& context) {
  uninstall::UninstallOptions options = flags.options;
  BOOST_OUTCOME_TRY(timeout, parse_duration(flags.timeout));
  options.timeout = timeout;
  options.sizes = flags.sizes == "Restore" ? Sizes::Restore : Sizes::Keep;
  // The chart names the namespace of its release.
  if (!context.flags.ns.empty()) options.own_namespace = context.flags.ns;
  BOOST_OUTCOME_TRY(connection, connect(context));
  const std::string effect = options.sizes == Sizes::Restore ? "sizes are put back" : "sizes stay as they are";
  BOOST_OUTCOME_TRY(yes, confirmed(context.console,
                                   "end Headroom in namespace " + options.own_namespace + " of " +
                                       connection.config.server + " (" + effect + ")?",
                                   flags.yes));
  if (!yes) {
    context.console.errors << "nothing is changed\n";
    return ExitCode::Attention;
  }
  const SystemClock clock;
  const uninstall::UninstallHooks hooks{clock,
                                        [&](const std::string& step) { context.console.out << step << std::endl; },
                                        [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }};
  BOOST_OUTCOME_TRYV(uninstall::uninstall(*connection.client, options, hooks, {}));
  return ExitCode::Fine;
}

}  // namespace

Command uninstall_command() {
  return {
      "uninstall", "Remove what would block others once Headroom is gone", [](CLI::App& app) -> Run {
        auto flags = std::make_shared<UninstallFlags>();
        flags->options.webhook_name = "headroom-webhook";
        flags->options.webhook_configuration = "headroom";
        app.add_option("--sizes", flags->sizes, "Keep: as they are; Restore: the originals first")
            ->capture_default_str()
            ->check(CLI::IsMember({"Keep", "Restore"}));
        app.add_option("--timeout", flags->timeout, "for everything")->capture_default_str();
        app.add_option("--operator", flags->options.operator_name, "Deployment of the operator")->capture_default_str();
        app.add_option("--webhook", flags->options.webhook_name,
                       "Deployment of the webhook, and the bindings of its rights; empty: there is none")
            ->capture_default_str();
        app.add_option("--webhook-configuration", flags->options.webhook_configuration,
                       "name of the ValidatingWebhookConfiguration; empty: there is none")
            ->capture_default_str();
        app.add_flag("-y,--yes", flags->yes, "do not ask");
        return [flags](const Context& context) { return run(*flags, context); };
      }};
}

}  // namespace headroom::cli
