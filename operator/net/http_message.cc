#include "operator/net/http_message.h"

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <string_view>

namespace headroom::net {
namespace {

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// A line break in a handler's data must not start a header of its own.
void append_handlers_header(std::string& out, std::string_view name, std::string_view value) {
  const std::size_t begin = out.size();
  out.append(name).append(": ").append(value);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), is_control, ' ');
  out += "\r\n";
}

// Formatting a date costs as much as the rest of a small response; it changes once a second.
const std::string& http_date(absl::Time at) {
  thread_local absl::Time second = absl::InfinitePast();
  thread_local std::string text;
  if (const absl::Time now = absl::FromUnixSeconds(absl::ToUnixSeconds(at)); now != second) {
    second = now;
    text = absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", now, absl::UTCTimeZone());
  }
  return text;
}

}  // namespace

void append_response(std::string& out, const HttpResponse& response, const Framing& framing) {
  namespace http = boost::beast::http;
  const http::status status = http::int_to_status(static_cast<unsigned>(response.status));
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  const auto reason = http::obsolete_reason(status);
  out.append(reason.data(), reason.size());
  out += "\r\n";
  append_header(out, "Date", http_date(framing.date));
  for (const auto& [name, value] : response.headers) append_handlers_header(out, name, value);
  if (!framing.keep_alive) append_header(out, "Connection", "close");
  // RFC 9110 §8.6: these two never have a body, nor say how long it is.
  const bool bodiless = status == http::status::no_content || status == http::status::not_modified;
  if (!bodiless) {
    append_handlers_header(out, "Content-Type", response.content_type);
    append_header(out, "Content-Length", std::to_string(response.body.size()));
  }
  out += "\r\n";
  if (!bodiless && !framing.without_body) out += response.body;
}

}  // namespace headroom::net
