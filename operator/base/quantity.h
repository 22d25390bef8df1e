// Kubernetes quantities ("500m", "1.5Gi", "3e6") as exact integers: never a float between a person's YAML and a
// decision. Pure values, thread-safe.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace headroom {

__extension__ using Int128 = __int128;

/// The suffix family that a quantity is written in: 500m and 32G, 32Gi, or 32e9.
enum class QuantityFormat { DecimalSI, BinarySI, DecimalExponent };

struct WrittenQuantity;

/// An exact decimal number with nine fractional digits, the precision of apimachinery's Quantity. Magnitudes beyond
/// 2^63-1 are clamped and digits below 1e-9 rounded away from zero when parsing, as Go's ParseQuantity does.
class Quantity {
 public:
  constexpr Quantity() = default;
  static constexpr Quantity from_int(std::int64_t value) { return from_nano(static_cast<Int128>(value) * kNano); }
  static constexpr Quantity from_nano(Int128 nano) {
    Quantity quantity;
    quantity.nano_ = nano;
    return quantity;
  }

  /// Accepts exactly what apimachinery's resource.ParseQuantity accepts (differentially tested against it). One
  /// deliberate difference: Go applies the cap of 2^63-1 to binary suffixes only, although its documentation promises
  /// it for all; here "1e30" is capped too, because Go's own Value() wraps around there.
  static Result<Quantity> parse(std::string_view text);
  /// The same, with the family that apimachinery would remember: binary fractions below 1 count as decimal.
  static Result<WrittenQuantity> parse_written(std::string_view text);

  constexpr Int128 nano() const { return nano_; }
  /// The value rounded up to an integer; clamped to the range of int64.
  std::int64_t ceil() const;
  /// Approximate, for metrics and charts only.
  double to_double() const;
  /// Plain decimal notation without a suffix: "0.5", "60", "1500".
  std::string to_string() const;
  /// As apimachinery prints it: a whole number with the largest suffix of the family that loses nothing ("1500m",
  /// "32G", "1536Mi"). BinarySI turns decimal below 1024 and for what is not whole. Beyond E, where apimachinery leaves
  /// the suffix out and thereby changes the value, the number grows instead.
  std::string canonical(QuantityFormat format = QuantityFormat::DecimalSI) const;

  constexpr auto operator<=>(const Quantity&) const = default;  // NOLINT(modernize-use-nullptr): `<` compares with 0
  /// Arithmetic is exact and stops at the ends of Int128's range (1.7e29 units) instead of wrapping.
  constexpr Quantity operator+(Quantity other) const {
    Int128 sum = 0;
    return from_nano(__builtin_add_overflow(nano_, other.nano_, &sum) ? end_of_range(nano_ < 0) : sum);
  }
  constexpr Quantity operator-(Quantity other) const {
    Int128 difference = 0;
    return from_nano(__builtin_sub_overflow(nano_, other.nano_, &difference) ? end_of_range(nano_ < 0) : difference);
  }
  constexpr Quantity operator*(std::int64_t factor) const {
    Int128 product = 0;
    const bool negative = (nano_ < 0) != (factor < 0);
    return from_nano(__builtin_mul_overflow(nano_, factor, &product) ? end_of_range(negative) : product);
  }

  static constexpr std::int64_t kNano = 1'000'000'000;

 private:
  static constexpr Int128 end_of_range(bool negative) {
    constexpr Int128 kMost = ((Int128{1} << 126) - 1) * 2 + 1;
    return negative ? -kMost - 1 : kMost;
  }

  Int128 nano_ = 0;
};

/// A quantity and how it was written.
struct WrittenQuantity {
  Quantity value;
  QuantityFormat format = QuantityFormat::DecimalSI;
};

/// ⌈ratio × size⌉ in exact arithmetic, clamped to [0, 2^31-1].
int ceil_times(Quantity ratio, int size);

}  // namespace headroom
