#include "operator/api/run_length.h"

#include <absl/strings/str_cat.h>

#include <charconv>

namespace headroom::api {

std::string run_length_text(const std::vector<int>& values) {
  std::string text;
  for (std::size_t start = 0; start < values.size();) {
    std::size_t end = start;
    while (end < values.size() && values[end] == values[start]) ++end;
    absl::StrAppend(&text, text.empty() ? "" : " ", values[start]);
    if (end - start > 1) absl::StrAppend(&text, "*", end - start);
    start = end;
  }
  return text;
}

std::optional<std::vector<int>> parse_run_lengths(std::string_view text, std::size_t limit) {
  std::vector<int> values;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (at != end) {
    int value = 0;
    const auto [after_value, bad_value] = std::from_chars(at, end, value);
    if (bad_value != std::errc() || value < 0) return std::nullopt;
    at = after_value;
    std::size_t times = 1;
    if (at != end && *at == '*') {
      const auto [after_times, bad_times] = std::from_chars(at + 1, end, times);
      if (bad_times != std::errc() || times == 0) return std::nullopt;
      at = after_times;
    }
    if (times > limit - values.size()) return std::nullopt;
    values.insert(values.end(), times, value);
    if (at != end && *at++ != ' ') return std::nullopt;
  }
  return values;
}

}  // namespace headroom::api
