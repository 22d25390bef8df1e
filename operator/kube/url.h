// The parts of URLs: percent-encoding, query strings, and the address of a server as people write it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace headroom::kube {

/// Everything but the unreserved characters of RFC 3986 §2.3 becomes %XX.
std::string percent_encode(std::string_view text);

/// An IPv4 or IPv6 address, without brackets.
bool is_ip_address(const std::string& host);

/// A query string that grows by one parameter at a time.
class Query {
 public:
  /// A parameter with an empty value is left out.
  Query& add(std::string_view name, std::string_view value);
  /// "?a=1&b=2", or nothing when there is no parameter.
  const std::string& to_string() const { return text_; }

 private:
  std::string text_;
};

/// "https://host:port/prefix" taken apart.
struct ServerUrl {
  bool tls = true;
  std::string host;         ///< lower case; an IPv6 address without its brackets
  bool is_address = false;  ///< host is an IP literal
  int port = 443;
  std::string prefix;  ///< empty, or "/" and more without a "/" at the end

  /// As a Host header or a message names it: "[::1]:6443".
  std::string authority() const;
};

/// Refuses what a server's address must not have: other schemes, user names, queries, fragments.
Result<ServerUrl> parse_server_url(std::string_view text);

}  // namespace headroom::kube
