// Run lengths of sizes in one line of text: "30*120 45*3 30" is 30 a hundred and twenty times, 45 three times, 30 once.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::api {

std::string run_length_text(const std::vector<int>& values);

/// Empty where the text is no such list, a value is negative, or there would be more than `limit` values.
std::optional<std::vector<int>> parse_run_lengths(std::string_view text, std::size_t limit);

}  // namespace headroom::api
