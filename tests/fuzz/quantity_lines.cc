// Our side of the differential test of Quantity: reads one candidate a line and prints, for each, the value in nano
// units and the canonical text, or "error".
#include <algorithm>
#include <iostream>
#include <string>

#include "operator/base/quantity.h"

namespace {

std::string digits_of(headroom::Int128 number) {
  std::string reversed;
  const bool negative = number < 0;
  do {
    const int digit = static_cast<int>(number % 10);
    reversed += static_cast<char>('0' + (digit < 0 ? -digit : digit));
    number /= 10;
  } while (number != 0);
  if (negative) reversed += '-';
  return {reversed.rbegin(), reversed.rend()};
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    const auto quantity = headroom::Quantity::parse_written(line);
    if (!quantity) {
      std::cout << "error\n";
      continue;
    }
    const auto& [value, format] = quantity.value();
    std::cout << digits_of(value.nano()) << ' ' << value.canonical(format) << '\n';
  }
}
