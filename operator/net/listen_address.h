// Where a server listens, as flags say it. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "operator/base/result.h"

namespace headroom::net {

struct ListenAddress {
  std::string address;
  std::uint16_t port = 0;
};

/// "0.0.0.0:8443"; the port is what follows the last colon. An error names the flag.
Result<ListenAddress> parse_listen_address(const std::string& flag, const std::string& text);

}  // namespace headroom::net
