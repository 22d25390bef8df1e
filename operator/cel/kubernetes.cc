// What Kubernetes adds to CEL: quantities and URLs.
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <optional>

#include "operator/cel/expression.h"

namespace headroom::cel {
namespace {

Result<Value> to_quantity(const Call& call) {
  const auto* text = call[0].as<std::string>();
  if (!text) return no_such_overload("quantity", call);
  BOOST_OUTCOME_TRY(quantity, Quantity::parse(*text));
  return Value(quantity);
}

Result<Value> is_quantity(const Call& call) {
  const auto* text = call[0].as<std::string>();
  if (!text) return no_such_overload("isQuantity", call);
  return Value(Quantity::parse(*text).has_value());
}

template <bool (*Holds)(int)>
Result<Value> related(const Call& call) {
  const auto *a = call[0].as<Quantity>(), *b = call[1].as<Quantity>();
  if (!a || !b) return no_such_overload("isGreaterThan or isLessThan", call);
  return Value(Holds(*a < *b ? -1 : *b < *a ? 1 : 0));
}
bool is_less(int order) { return order < 0; }
bool is_greater(int order) { return order > 0; }

Result<Value> compare_to(const Call& call) {
  const auto *a = call[0].as<Quantity>(), *b = call[1].as<Quantity>();
  if (!a || !b) return no_such_overload("compareTo", call);
  return Value(*a < *b ? -1 : *b < *a ? 1 : 0);
}

Result<Value> sign(const Call& call) {
  const auto* quantity = call[0].as<Quantity>();
  if (!quantity) return no_such_overload("sign", call);
  return Value(quantity->nano() < 0 ? -1 : quantity->nano() > 0 ? 1 : 0);
}

template <int Sign>
Result<Value> plus(const Call& call) {
  const auto* a = call[0].as<Quantity>();
  std::optional<Quantity> b;
  if (const auto* quantity = call[1].as<Quantity>()) b = *quantity;
  if (const auto* number = call[1].as<std::int64_t>()) b = Quantity::from_int(*number);
  if (!a || !b) return no_such_overload("add or sub", call);
  return Value(Sign > 0 ? *a + *b : *a - *b);
}

bool is_whole(Quantity quantity) { return quantity.nano() % Quantity::kNano == 0; }

Result<Value> is_integer(const Call& call) {
  const auto* quantity = call[0].as<Quantity>();
  if (!quantity) return no_such_overload("isInteger", call);
  return Value(is_whole(*quantity));
}

Result<Value> as_integer(const Call& call) {
  const auto* quantity = call[0].as<Quantity>();
  if (!quantity) return no_such_overload("asInteger", call);
  if (!is_whole(*quantity)) return cel_error("cannot convert value to integer");
  return Value(quantity->ceil());
}

Result<Value> as_float(const Call& call) {
  const auto* quantity = call[0].as<Quantity>();
  if (!quantity) return no_such_overload("asApproximateFloat", call);
  return Value(quantity->to_double());
}

bool is_hexadecimal(char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); }

/// Percent signs that two hexadecimal digits follow.
bool escapes_well(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') continue;
    if (i + 2 >= text.size() || !is_hexadecimal(text[i + 1]) || !is_hexadecimal(text[i + 2])) return false;
  }
  return true;
}

/// [user@]host[:port], host perhaps in brackets.
bool read_authority(std::string_view authority, Url& url) {
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    for (const char c : authority.substr(0, at)) {
      constexpr std::string_view kAllowed = "-._:~!$&'()*+,;=%@";
      if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && kAllowed.find(c) == std::string_view::npos)
        return false;
    }
    authority.remove_prefix(at + 1);
  }
  url.host = std::string(authority);
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.rfind(']');
    if (end == std::string_view::npos) return false;
    url.hostname = std::string(authority.substr(1, end - 1));
    port = authority.substr(end + 1);
    if (!port.empty() && port[0] != ':') return false;
  } else {
    const std::size_t colon = authority.rfind(':');
    url.hostname = std::string(authority.substr(0, colon));
    if (colon != std::string_view::npos) port = authority.substr(colon);
    if (url.hostname.find_first_of("[]") != std::string::npos) return false;
    for (const char c : url.hostname) {
      constexpr std::string_view kAllowed = "-._~!$&'()*+,;=:<>\"%";
      const bool known = absl::ascii_isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80;
      if (!known && kAllowed.find(c) == std::string_view::npos) return false;
    }
  }
  if (!port.empty()) port.remove_prefix(1);
  for (const char c : port) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  url.port = std::string(port);
  return true;
}

/// Go's url.ParseRequestURI: an absolute URI or an absolute path; a "#" is no fragment.
std::optional<Url> parse_url(const std::string& text) {
  Url url;
  url.text = text;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return std::nullopt;
  }
  std::string_view rest = text;
  const auto is_scheme = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '-' || c == '.';
  };
  std::size_t colon = 0;
  while (colon < rest.size() && is_scheme(rest[colon])) ++colon;
  if (colon > 0 && colon < rest.size() && rest[colon] == ':' &&
      absl::ascii_isalpha(static_cast<unsigned char>(rest[0]))) {
    url.scheme = absl::AsciiStrToLower(std::string(rest.substr(0, colon)));
    rest.remove_prefix(colon + 1);
  }
  if (const std::size_t question = rest.find('?'); question != std::string_view::npos) {
    url.query = std::string(rest.substr(question + 1));
    rest = rest.substr(0, question);
  }
  if (!rest.starts_with('/')) return std::nullopt;
  if (!url.scheme.empty() && rest.starts_with("//") && !rest.starts_with("///")) {
    const std::size_t path = rest.find('/', 2);
    if (!read_authority(rest.substr(2, path == std::string_view::npos ? path : path - 2), url)) return std::nullopt;
    rest = path == std::string_view::npos ? std::string_view() : rest.substr(path);
  } else if (!url.scheme.empty() && rest.starts_with("///")) {
    rest.remove_prefix(2);
  }
  if (!escapes_well(rest)) return std::nullopt;
  url.escaped_path = std::string(rest);
  return url;
}

Result<Value> to_url(const Call& call) {
  const auto* text = call[0].as<std::string>();
  if (!text) return no_such_overload("url", call);
  BOOST_OUTCOME_TRYV(call.evaluation.spend(text->size() / 10));
  auto url = parse_url(*text);
  if (!url) return cel_error(absl::StrCat("URL parse error: \"", *text, "\" is no absolute URL"));
  return Value(*std::move(url));
}

Result<Value> is_url(const Call& call) {
  const auto* text = call[0].as<std::string>();
  if (!text) return no_such_overload("isURL", call);
  BOOST_OUTCOME_TRYV(call.evaluation.spend(text->size() / 10));
  return Value(parse_url(*text).has_value());
}

template <std::string Url::*Part>
Result<Value> url_part(const Call& call) {
  const auto* url = call[0].as<Url>();
  if (!url) return no_such_overload("a part of a URL", call);
  return Value(url->*Part);
}

constexpr Function kFunctions[] = {
    {"quantity", false, 1, to_quantity},
    {"isQuantity", false, 1, is_quantity},
    {"isGreaterThan", true, 2, related<is_greater>},
    {"isLessThan", true, 2, related<is_less>},
    {"compareTo", true, 2, compare_to},
    {"sign", true, 1, sign},
    {"add", true, 2, plus<1>},
    {"sub", true, 2, plus<-1>},
    {"isInteger", true, 1, is_integer},
    {"asInteger", true, 1, as_integer},
    {"asApproximateFloat", true, 1, as_float},
    {"url", false, 1, to_url},
    {"isURL", false, 1, is_url},
    {"getScheme", true, 1, url_part<&Url::scheme>},
    {"getHost", true, 1, url_part<&Url::host>},
    {"getHostname", true, 1, url_part<&Url::hostname>},
    {"getPort", true, 1, url_part<&Url::port>},
    {"getEscapedPath", true, 1, url_part<&Url::escaped_path>},
};

}  // namespace

std::span<const Function> kubernetes_functions() { return kFunctions; }

}  // namespace headroom::cel
