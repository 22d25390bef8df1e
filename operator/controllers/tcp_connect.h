// Whether somebody listens at host:port. Blocking, bounded. Thread-safe.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "operator/base/result.h"

namespace headroom::controllers {

/// "host:port" or "[v6]:port" taken apart; InvalidArgument otherwise.
struct HostPort {
  std::string host, port;
};
Result<HostPort> parse_host_port(const std::string& address);

/// Connects and hangs up. Resolving the name counts towards `patience`; every address of the name is tried in turn.
/// Returns within milliseconds of `stop`.
Status connect_tcp(const std::string& address, std::chrono::milliseconds patience, const std::stop_token& stop);

}  // namespace headroom::controllers
