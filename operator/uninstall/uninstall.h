// What is undone before Headroom's programs, rights and definitions leave a cluster: afterwards nothing is blocked and
// no namespace hangs on a finalizer.
#pragma once

#include <absl/time/time.h>

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>

#include "operator/base/clock.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"

namespace headroom::uninstall {

/// Keep: sizes stay as they are at that time. Restore: they are put back to what they were without Headroom.
enum class Sizes { Keep, Restore };

struct UninstallOptions {
  std::string own_namespace = "headroom-system";
  std::string operator_name = "headroom-operator";  ///< of its Deployment
  std::string webhook_name;           ///< of its Deployment, and of both bindings of its rights; empty: none
  std::string webhook_configuration;  ///< of the ValidatingWebhookConfiguration; empty: none
  Sizes sizes = Sizes::Keep;
  absl::Duration timeout = absl::Seconds(120);  ///< for everything
};

/// What it needs of its surroundings, apart from the API server.
struct UninstallHooks {
  const Clock& clock;
  std::function<void(const std::string&)> say;              ///< one line about each step, for a log
  std::function<void(std::chrono::milliseconds)> let_pass;  ///< waits between two looks; returns early to be stopped
};

/// In this order: sizes are put back, while the operator still lives (with Sizes::Restore); the programs are ended; the
/// webhook configuration, what stands behind limits, ledgers and Leases are removed; finalizers are taken off and
/// spec.suspend is given back its value. What is gone already is no error, so it can be run again after a failure.
/// Timeout names what could not be put back, and nothing has been removed then. One thread.
Status uninstall(kube::Client& client, const UninstallOptions& options, const UninstallHooks& hooks,
                 const std::stop_token& stop);

}  // namespace headroom::uninstall
