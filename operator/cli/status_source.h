// The facts of `status` and `top`, read from a cluster. IO.
#pragma once

#include <string>

#include "operator/cli/cluster.h"
#include "operator/cli/status_report.h"

namespace headroom::cli {

struct StatusFlags {
  std::string system_namespace = "headroom-system";
  std::string lease = "headroom-operator";
  std::string webhook_configuration = "headroom";
};

void declare_status(CLI::App& app, StatusFlags& flags);

/// What cannot be read is told in StatusFacts::unread; objects that this version cannot read are left out of lists and
/// told there, too.
StatusFacts read_status(const Connection& connection, const StatusFlags& flags);

}  // namespace headroom::cli
