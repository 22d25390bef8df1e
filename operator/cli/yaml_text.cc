#include "operator/cli/yaml_text.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

namespace headroom::cli {
namespace {

using nlohmann::json;

/// What some YAML takes for booleans, null or numbers.
bool is_reserved(std::string_view text) {
  constexpr std::array<std::string_view, 8> kWords = {"true", "false", "null", "yes", "no", "on", "off", "y"};
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return lower == "n" || lower == ".nan" || lower == ".inf" || std::ranges::find(kWords, lower) != kWords.end();
}

/// A letter first, and nothing that means anything to YAML: numbers, dates and indicators are quoted.
bool is_plain(std::string_view text) {
  if (text.empty() || is_reserved(text)) return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!letter(text.front())) return false;
  return std::ranges::all_of(text, [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/';
  });
}

// JSON's strings are YAML's double-quoted ones.
std::string scalar(const std::string& text) {
  return is_plain(text) ? text : json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

void write(const json& value, std::size_t depth, bool in_list, std::string& out) {
  if (value.is_object() && !value.empty()) {
    bool first = in_list;
    for (const auto& [key, one] : value.items()) {
      if (!first) out.append(depth * 2, ' ');
      first = false;
      out += scalar(key) + ":";
      const bool nested = (one.is_object() || one.is_array()) && !one.empty();
      out += nested ? "\n" : " ";
      write(one, one.is_array() ? depth : depth + 1, false, out);
    }
  } else if (value.is_array() && !value.empty()) {
    for (const json& one : value) {
      out.append(depth * 2, ' ');
      out += "- ";
      if (one.is_array() && !one.empty()) {
        out += one.dump() + "\n";  // lists of lists in flow style
      } else {
        write(one, depth + 1, true, out);
      }
    }
  } else {
    out += (value.is_string() ? scalar(value.get<std::string>()) : value.dump()) + "\n";
  }
}

}  // namespace

std::string yaml_text(const json& value) {
  std::string out;
  write(value, 0, false, out);
  return out;
}

}  // namespace headroom::cli
