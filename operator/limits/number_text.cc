#include "operator/limits/number_text.h"

#include <charconv>
#include <cmath>

namespace headroom::limits {
namespace {

// Where the exponents begin.
constexpr double kSmall = 1e-6, kLarge = 1e21;

/// How long it is.
template <class Integer>
std::size_t write(std::array<char, 32>& text, Integer value) {
  return static_cast<std::size_t>(std::to_chars(text.data(), text.data() + text.size(), value).ptr - text.data());
}

}  // namespace

NumberText::NumberText(std::int64_t value) : size_(write(text_, value)) {}

NumberText::NumberText(std::uint64_t value) : size_(write(text_, value)) {}

NumberText::NumberText(double value) {
  const double size = std::fabs(value);
  const bool fixed = size == 0 || (size >= kSmall && size < kLarge);
  const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
  char* end = std::to_chars(text_.data(), text_.data() + text_.size(), value, format).ptr;
  // Two digits are the fewest here; of a negative exponent that needs one, Go writes one.
  if (!fixed && end - text_.data() >= 4 && end[-4] == 'e' && end[-3] == '-' && end[-2] == '0') {
    end[-2] = end[-1];
    --end;
  }
  size_ = static_cast<std::size_t>(end - text_.data());
}

}  // namespace headroom::limits
