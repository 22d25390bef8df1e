// Numbers of JSON as text. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace headroom::limits {

/// A number as the API server writes it, which keeps fractions as doubles: the shortest digits that name the same
/// double, with an exponent below 1e-6 and from 1e21 on only (encoding/json of Go). So an object reads the same in a
/// review and in a list, whatever parsed it.
class NumberText {
 public:
  explicit NumberText(std::int64_t value);
  explicit NumberText(std::uint64_t value);
  explicit NumberText(double value);

  /// As long as this lives.
  std::string_view view() const { return {text_.data(), size_}; }

 private:
  std::array<char, 32> text_{};
  std::size_t size_ = 0;
};

}  // namespace headroom::limits
