// What limits count in: one exact number per dimension of a limit. Pure values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "operator/base/quantity.h"

namespace headroom::limits {

/// Billionths of a unit, the precision of apimachinery's Quantity, so that sums are exact. What a Quantity can say
/// (2^63-1 units) added up over 10^10 objects stays in range.
using Amount = Int128;

/// One amount per dimension of one limit, in the limit's own order: the count first where it has one, then its sums.
/// Two that meet in an operation belong to the same limit; a shorter one counts as filled up with zeros.
class Amounts {
 public:
  Amounts() = default;
  explicit Amounts(std::size_t dimensions) { grow(dimensions); }
  Amounts(std::initializer_list<Amount> values) {
    for (const Amount value : values) at(size_) = value;
  }

  std::size_t size() const { return size_; }
  Amount operator[](std::size_t dimension) const { return dimension < size_ ? value(dimension) : 0; }
  Amount& at(std::size_t dimension) {
    if (dimension >= size_) grow(dimension + 1);
    return dimension < kFew ? few_[dimension] : more_[dimension - kFew];
  }

  Amounts& operator+=(const Amounts& other) {
    for (std::size_t i = 0; i < other.size(); ++i) at(i) += other[i];
    return *this;
  }
  Amounts& operator-=(const Amounts& other) {
    for (std::size_t i = 0; i < other.size(); ++i) at(i) -= other[i];
    return *this;
  }
  friend Amounts operator+(Amounts left, const Amounts& right) { return left += right; }
  friend Amounts operator-(Amounts left, const Amounts& right) { return left -= right; }

  /// Whether no dimension is below what `needed` says.
  bool covers(const Amounts& needed) const {
    for (std::size_t i = 0; i < needed.size(); ++i) {
      if ((*this)[i] < needed[i]) return false;
    }
    for (std::size_t i = needed.size(); i < size(); ++i) {
      if ((*this)[i] < 0) return false;
    }
    return true;
  }
  /// Whether it has what is needed; of what is not needed it may lack anything.
  bool affords(const Amounts& needed) const {
    for (std::size_t i = 0; i < needed.size(); ++i) {
      if (needed[i] > 0 && (*this)[i] < needed[i]) return false;
    }
    return true;
  }
  bool is_zero() const { return covers({}) && Amounts().covers(*this); }
  bool operator==(const Amounts& other) const { return covers(other) && other.covers(*this); }

 private:
  static constexpr std::size_t kFew = 4;  ///< held without an allocation: most limits have no more

  void grow(std::size_t dimensions) {
    size_ = dimensions;
    if (dimensions > kFew) more_.resize(dimensions - kFew, 0);
  }
  const Amount& value(std::size_t dimension) const {
    return dimension < kFew ? few_[dimension] : more_[dimension - kFew];
  }

  std::size_t size_ = 0;
  std::array<Amount, kFew> few_{};
  std::vector<Amount> more_;
};

/// The larger, and the smaller, of both in each dimension.
Amounts most(const Amounts& left, const Amounts& right);
Amounts least(const Amounts& left, const Amounts& right);
/// Negative dimensions as zero.
Amounts positive(const Amounts& amounts);

}  // namespace headroom::limits
