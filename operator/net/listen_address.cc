#include "operator/net/listen_address.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

namespace headroom::net {

Result<ListenAddress> parse_listen_address(const std::string& flag, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return invalid(absl::StrCat(flag, ": '", text, "' is not ADDRESS:PORT, for example 0.0.0.0:8443"));
  }
  return ListenAddress{text.substr(0, colon), static_cast<std::uint16_t>(port)};
}

}  // namespace headroom::net
