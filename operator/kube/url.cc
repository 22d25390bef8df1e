#include "operator/kube/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace headroom::kube {

namespace {

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_unreserved(char c) { return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_ip(int family, const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> parsed{};
  return inet_pton(family, host.c_str(), parsed.data()) == 1;
}

bool is_host_name(std::string_view host) {
  constexpr std::size_t kLongestName = 253;  // RFC 1035 §2.3.4 less the root label
  return !host.empty() && host.size() <= kLongestName && std::all_of(host.begin(), host.end(), [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '.' || c == '_';
  });
}

bool is_prefix(std::string_view prefix) {
  if (prefix.find("..") != std::string_view::npos) return false;
  return std::all_of(prefix.begin(), prefix.end(), [](char c) {
    return is_unreserved(c) || c == '/' || c == '%' || c == ':' || c == '+' || c == '=' || c == ',';
  });
}

// Control characters and endless text stay out of messages.
std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 200;
  std::string out = "\"";
  for (const char c : text.substr(0, kShown)) out += (c < ' ' || c == 0x7f) ? '?' : c;
  return out + (text.size() > kShown ? "...\"" : "\"");
}

Error refuse(std::string_view text, const std::string& why) {
  return invalid(quoted(text) + " " + why + "; write it as https://host:port");
}

}  // namespace

bool is_ip_address(const std::string& host) { return is_ip(AF_INET, host) || is_ip(AF_INET6, host); }

std::string percent_encode(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 15U];
    }
  }
  return out;
}

Query& Query::add(std::string_view name, std::string_view value) {
  if (value.empty()) return *this;
  text_ += text_.empty() ? '?' : '&';
  text_ += percent_encode(name);
  text_ += '=';
  text_ += percent_encode(value);
  return *this;
}

std::string ServerUrl::authority() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<ServerUrl> parse_server_url(std::string_view text) {
  ServerUrl url;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return refuse(text, "has no scheme");
  const std::string scheme = lower(text.substr(0, scheme_end));
  if (scheme != "https" && scheme != "http") return refuse(text, "has a scheme that is neither https nor http");
  url.tls = scheme == "https";
  url.port = url.tls ? 443 : 80;

  std::string_view rest = text.substr(scheme_end + 3);
  const std::size_t authority_end = rest.find_first_of("/?#");
  const std::string_view authority = rest.substr(0, authority_end);
  std::string_view path = authority_end == std::string_view::npos ? std::string_view{} : rest.substr(authority_end);
  if (path.find_first_of("?#") != std::string_view::npos) return refuse(text, "has a query or a fragment");
  // Not repeated in the message: what stands before the @ may be a password.
  if (authority.find('@') != std::string_view::npos) {
    return invalid(
        "the address holds a user name; credentials have fields of their own: write it as https://host:port");
  }

  std::string_view port;
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return refuse(text, "has a [ without its ]");
    url.host = lower(authority.substr(1, close - 1));
    port = authority.substr(close + 1);
    if (!is_ip(AF_INET6, url.host)) return refuse(text, "has brackets around what is not an IPv6 address");
    url.is_address = true;
  } else {
    const std::size_t colon = authority.find(':');
    url.host = lower(authority.substr(0, colon));
    if (colon != std::string_view::npos) port = authority.substr(colon);
    if (url.host.empty()) return refuse(text, "has no host");
    if (!is_host_name(url.host)) return refuse(text, "has a host that is neither a name nor an address");
    url.is_address = is_ip(AF_INET, url.host);
  }
  if (!port.empty()) {
    const char* const end = port.data() + port.size();
    const auto [stopped, error] = std::from_chars(port.data() + 1, end, url.port);
    if (port.front() != ':' || error != std::errc{} || stopped != end || url.port < 1 || url.port > 65535) {
      return refuse(text, "has a port that is no number from 1 to 65535");
    }
  }
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  if (!is_prefix(path)) return refuse(text, "has a path with characters that a server's address cannot have");
  url.prefix = std::string(path);
  return url;
}

}  // namespace headroom::kube
