#include "operator/base/quantity.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>
#include <optional>

namespace headroom {
namespace {

constexpr std::int64_t kMostInt64 = std::numeric_limits<std::int64_t>::max();
constexpr Int128 kMostNano = static_cast<Int128>(kMostInt64) * Quantity::kNano;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Removes the longest prefix whose characters satisfy `accepts` and returns it.
template <class Predicate>
std::string_view take_while(std::string_view& text, Predicate accepts) {
  const auto end = std::find_if_not(text.begin(), text.end(), accepts);
  const std::string_view taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

// What a suffix stands for: 10^decimal or 2^binary.
struct Scale {
  std::int32_t decimal = 0;
  int binary = 0;
  QuantityFormat format = QuantityFormat::DecimalSI;
};

std::optional<Scale> scale_of(std::string_view suffix) {
  struct Named {
    std::string_view suffix;
    Scale scale;
  };
  constexpr QuantityFormat kSI = QuantityFormat::DecimalSI, kBinary = QuantityFormat::BinarySI;
  static constexpr Named kNamed[] = {
      {"", {0, 0, kSI}},        {"n", {-9, 0, kSI}},      {"u", {-6, 0, kSI}},      {"m", {-3, 0, kSI}},
      {"k", {3, 0, kSI}},       {"M", {6, 0, kSI}},       {"G", {9, 0, kSI}},       {"T", {12, 0, kSI}},
      {"P", {15, 0, kSI}},      {"E", {18, 0, kSI}},      {"Ki", {0, 10, kBinary}}, {"Mi", {0, 20, kBinary}},
      {"Gi", {0, 30, kBinary}}, {"Ti", {0, 40, kBinary}}, {"Pi", {0, 50, kBinary}}, {"Ei", {0, 60, kBinary}},
  };
  for (const Named& named : kNamed) {
    if (suffix == named.suffix) return named.scale;
  }
  if (suffix.front() != 'e' && suffix.front() != 'E') return std::nullopt;
  suffix.remove_prefix(1);
  if (suffix.starts_with('+')) {
    suffix.remove_prefix(1);
    if (suffix.starts_with('-')) return std::nullopt;
  }
  std::int64_t exponent = 0;
  const auto [end, error] = std::from_chars(suffix.data(), suffix.data() + suffix.size(), exponent);
  if (error != std::errc() || end != suffix.data() + suffix.size()) return std::nullopt;
  // Go narrows to 32 bits without a check, so that 1e4294967296 is 1 there, and the API server stores it as such.
  return Scale{static_cast<std::int32_t>(exponent), 0, QuantityFormat::DecimalExponent};
}

// |value| in nano units: `digits` with the decimal point in front of digits[point], times `factor` (a power of two);
// what lies below one nano is rounded up, what lies above 2^63-1 is cut.
Int128 to_nano(std::string_view digits, std::int64_t point, Int128 factor) {
  const auto first = digits.find_first_not_of('0');
  if (first == std::string_view::npos) return 0;
  digits.remove_prefix(first);
  point -= static_cast<std::int64_t>(first);
  constexpr std::int64_t kMostIntegerDigits = std::numeric_limits<std::int64_t>::digits10 + 1;
  if (point > kMostIntegerDigits) return kMostNano;

  const auto size = static_cast<std::int64_t>(digits.size());
  Int128 integer = 0;
  for (std::int64_t i = 0; i < point; ++i) {
    integer = integer * 10 + (i < size ? digits[static_cast<std::size_t>(i)] - '0' : 0);
  }
  if (integer > kMostInt64 / factor) return kMostNano;  // before a product that would not fit into 128 bits

  // Long multiplication of the fraction from its last digit: `carry` ends as its integer part, and every digit that
  // falls off on the right makes the result inexact.
  const Int128 multiplier = factor * Quantity::kNano;
  Int128 carry = 0;
  bool inexact = false;
  for (std::int64_t i = size - 1; i >= std::max<std::int64_t>(point, 0); --i) {
    carry += multiplier * (digits[static_cast<std::size_t>(i)] - '0');
    inexact = inexact || carry % 10 != 0;
    carry /= 10;
  }
  for (std::int64_t zeros = -point; zeros > 0 && carry != 0; --zeros) {
    inexact = inexact || carry % 10 != 0;
    carry /= 10;
  }
  return std::min(kMostNano, integer * multiplier + carry + (inexact ? 1 : 0));
}

std::string digits_of(Int128 number) {
  std::string reversed;
  for (Int128 left = number; left != 0 || reversed.empty(); left /= 10) {
    const int digit = static_cast<int>(left % 10);  // keeps its sign: the smallest Int128 has no positive counterpart
    reversed += static_cast<char>('0' + (digit < 0 ? -digit : digit));
  }
  if (number < 0) reversed += '-';
  return {reversed.rbegin(), reversed.rend()};
}

Error malformed(std::string_view text, const char* what) {
  constexpr std::size_t kLongestQuote = 64;
  return invalid("quantity \"" + std::string(text.substr(0, kLongestQuote)) + "\" " + what +
                 ": write a decimal number with an optional suffix, such as 500m, 1.5Gi or 3e6");
}

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
  BOOST_OUTCOME_TRY(written, parse_written(text));
  return written.value;
}

Result<WrittenQuantity> Quantity::parse_written(std::string_view text) {
  if (text.empty()) return malformed(text, "is empty");
  std::string_view rest = text;
  const bool negative = rest.front() == '-';
  if (negative || rest.front() == '+') rest.remove_prefix(1);

  std::string digits(take_while(rest, is_digit));
  std::size_t fraction = 0;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    const std::string_view decimals = take_while(rest, is_digit);
    fraction = decimals.size();
    digits += decimals;
  }

  std::string_view after = rest;
  take_while(after, [](char c) { return std::string_view("eEinumkKMGTP").find(c) != std::string_view::npos; });
  if (after.starts_with('+') || after.starts_with('-')) after.remove_prefix(1);
  take_while(after, is_digit);
  if (!after.empty()) return malformed(text, "is not a number with a suffix");
  const std::optional<Scale> scale = scale_of(rest);
  if (!scale) return malformed(text, "has an unknown suffix");

  if (digits.empty()) {
    // "m" and "." are 0 to Go as long as it need not leave its fast path, which ends above Ti and below n.
    if (scale->binary > 40 || scale->decimal < -9) return malformed(text, "has no digits");
    return WrittenQuantity{Quantity(), scale->format};
  }
  // Narrowed for the same reason as in scale_of.
  const auto shift = static_cast<std::int32_t>(scale->decimal - static_cast<std::int64_t>(fraction));
  const Int128 nano = to_nano(digits, static_cast<std::int64_t>(digits.size()) + shift, Int128{1} << scale->binary);
  const bool below_one = nano > 0 && nano < kNano;
  return WrittenQuantity{from_nano(negative ? -nano : nano), scale->format == QuantityFormat::BinarySI && below_one
                                                                 ? QuantityFormat::DecimalSI
                                                                 : scale->format};
}

std::int64_t Quantity::ceil() const {
  const Int128 whole = nano_ / kNano + (nano_ % kNano > 0 ? 1 : 0);
  return static_cast<std::int64_t>(std::clamp<Int128>(whole, std::numeric_limits<std::int64_t>::min(), kMostInt64));
}

double Quantity::to_double() const { return static_cast<double>(static_cast<long double>(nano_) / kNano); }

std::string Quantity::to_string() const {
  std::string reversed;
  int position = 0;
  // Digit by digit from the right, at least one before the point; remainders keep their sign, the smallest Int128
  // has no positive counterpart.
  for (Int128 left = nano_; left != 0 || position <= 9; left /= 10, ++position) {
    const int digit = static_cast<int>(left % 10);
    if (position == 9 && !reversed.empty()) reversed += '.';
    if (position >= 9 || digit != 0 || !reversed.empty()) {
      reversed += static_cast<char>('0' + (digit < 0 ? -digit : digit));
    }
  }
  if (nano_ < 0) reversed += '-';
  return {reversed.rbegin(), reversed.rend()};
}

std::string Quantity::canonical(QuantityFormat format) const {
  if (nano_ == 0) return "0";
  constexpr Int128 kSmallestBinary = Int128{1024} * kNano;
  const bool small = nano_ > -kSmallestBinary && nano_ < kSmallestBinary;
  if (format == QuantityFormat::BinarySI && !small && nano_ % kNano == 0) {
    static constexpr const char* kSuffixes[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    Int128 number = nano_ / kNano;
    std::size_t power = 0;
    for (; power + 1 < std::size(kSuffixes) && number % 1024 == 0; ++power) number /= 1024;
    return digits_of(number) + kSuffixes[power];
  }
  static constexpr const char* kSuffixes[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
  Int128 number = nano_;
  std::size_t power = 0;  // of 1000, from nano on
  for (; power + 1 < std::size(kSuffixes) && number % 1000 == 0; ++power) number /= 1000;
  const int exponent = static_cast<int>(power) * 3 - 9;
  if (format != QuantityFormat::DecimalExponent) return digits_of(number) + kSuffixes[power];
  std::string text = digits_of(number);
  if (exponent != 0) text.append("e").append(std::to_string(exponent));
  return text;
}

int ceil_times(Quantity ratio, int size) {
  return static_cast<int>(std::clamp<std::int64_t>((ratio * size).ceil(), 0, std::numeric_limits<int>::max()));
}

}  // namespace headroom
