#include "operator/kube/status_error.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace headroom::kube {

namespace {

struct ServerStatus {
  std::string reason, message;
  bool version_too_large = false;
};

std::string text_of(const nlohmann::json& object, const char* field) {
  const auto it = object.find(field);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

ServerStatus read_status(const std::string& body) {
  // An error page of a proxy can be anything; a Status is short.
  constexpr std::size_t kLongestStatus = std::size_t{1} << 20U;
  ServerStatus status;
  nlohmann::json json;
  if (body.size() <= kLongestStatus) json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object() || text_of(json, "kind") != "Status") {
    status.message = body;
    return status;
  }
  status.reason = text_of(json, "reason");
  status.message = text_of(json, "message");
  if (const auto details = json.find("details"); details != json.end() && details->is_object()) {
    const auto causes = details->find("causes");
    if (causes != details->end() && causes->is_array()) {
      status.version_too_large = std::any_of(causes->begin(), causes->end(), [](const nlohmann::json& cause) {
        return cause.is_object() && text_of(cause, "reason") == "ResourceVersionTooLarge";
      });
    }
  }
  return status;
}

ErrorCode code_of(int status, const ServerStatus& server) {
  if (server.version_too_large) return ErrorCode::Gone;
  switch (status) {
    case 401:
      return ErrorCode::Unauthorized;
    case 403:
      return ErrorCode::Forbidden;
    case 404:
      return ErrorCode::NotFound;
    case 409:
      return server.reason == "AlreadyExists" ? ErrorCode::AlreadyExists : ErrorCode::Conflict;
    case 410:
      return ErrorCode::Gone;
    case 422:
      return ErrorCode::Unprocessable;
    case 429:
      return ErrorCode::TooManyRequests;
    case 408:
      return ErrorCode::Timeout;
    case 501:
    case 505:
      return ErrorCode::Internal;
    default:
      break;
  }
  if (status >= 400 && status < 500) return ErrorCode::InvalidArgument;
  return status >= 500 && status < 600 ? ErrorCode::Unavailable : ErrorCode::Internal;
}

/// Whether the server's authorizer has refused, in words that it alone has: "pods is forbidden: User ... cannot list
/// ...". Admission answers 403, too, and no right would help against that.
bool lacks_right(const ServerStatus& server) {
  return server.message.find("forbidden: User \"") != std::string::npos &&
         !server.message.starts_with("admission webhook \"");
}

const char* remedy(int status, const ServerStatus& server) {
  switch (status) {
    case 401:
      return "; the server does not accept our credentials: check that the token or client certificate is this "
             "cluster's and has not expired";
    case 403:
      return lacks_right(server) ? "; grant the right with a Role or ClusterRole" : "";
    case 413:
      return "; make the object smaller";
    default:
      return status >= 300 && status < 400 ? "; redirects are not followed: give the final address" : "";
  }
}

}  // namespace

std::string excerpt(std::string_view text) {
  constexpr std::size_t kShown = 300;
  std::string out;
  for (const char c : text.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < ' ' || byte == 0x7f ? ' ' : c;
  }
  if (text.size() > kShown) {
    // No half of a UTF-8 sequence at the cut.
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0U) == 0x80U) out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0U) out.pop_back();
    out += "...";
  }
  return out;
}

Error error_from_response(const Response& response, const std::string& what) {
  ServerStatus server = read_status(response.body);
  Error error;
  error.code = code_of(response.status, server);
  error.http_status = response.status;
  error.retry_after = response.retry_after;
  error.message = what + ": " + std::to_string(response.status);
  if (!server.reason.empty()) error.message.append(" ").append(excerpt(server.reason));
  // An admission webhook's refusal can be long and is meant to be read whole.
  constexpr std::size_t kLongestMessage = 4096;
  if (server.reason.empty()) {
    server.message = excerpt(server.message);
  } else if (server.message.size() > kLongestMessage) {
    server.message = server.message.substr(0, kLongestMessage) + "...";
  }
  if (!server.message.empty()) error.message.append(": ").append(server.message);
  error.message += remedy(response.status, server);
  return error;
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value) {
  constexpr long kLongest = 3600;
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
  long seconds = 0;
  const char* const end = value.data() + value.size();
  const auto [stopped, error] = std::from_chars(value.data(), end, seconds);
  if (error != std::errc{} || stopped != end || seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min(seconds, kLongest));
}

}  // namespace headroom::kube
