// Credentials from a program that the kubeconfig names: cloud providers hand out short-lived tokens so. The protocol is
// client.authentication.k8s.io, in its versions v1 and v1beta1.
#pragma once

#include <absl/time/time.h>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "operator/base/result.h"
#include "operator/kube/config.h"

namespace headroom::kube {

/// What the program answered: a token, or a client certificate with its key, or both.
struct ExecCredential {
  std::string token, certificate_pem, key_pem;
  std::optional<absl::Time> expires;  ///< empty: good for as long as the server takes it
};

/// The ExecCredential object in a program's output. Pure.
Result<ExecCredential> parse_exec_credential(std::string_view json, const std::string& api_version);

/// Runs `command` and reads its answer; at most 1 MiB of it. Without a terminal, unless it is interactive. At `timeout`
/// or when `stop` is requested the program and whatever it started in its process group are killed; an interactive one,
/// which shares our group, alone. Blocks the calling thread.
Result<ExecCredential> run_exec_command(const ExecCommand& command, const ClusterConfig& cluster,
                                        std::chrono::milliseconds timeout, const std::stop_token& stop);

}  // namespace headroom::kube
