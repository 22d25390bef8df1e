// Any bytes: the parser answers without undefined behaviour, and what it accepts keeps the type's promises.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "operator/base/quantity.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using headroom::Int128;
  using headroom::Quantity;
  using headroom::fuzz::require;

  const auto parsed = Quantity::parse_written({reinterpret_cast<const char*>(data), size});
  if (!parsed) {
    require(!parsed.error().message.empty(), "a refusal says why");
    return 0;
  }
  const auto& [quantity, format] = parsed.value();
  constexpr Int128 kMost = static_cast<Int128>(std::numeric_limits<std::int64_t>::max()) * Quantity::kNano;
  require(quantity.nano() <= kMost && quantity.nano() >= -kMost, "magnitudes are capped at 2^63-1");

  const auto again = Quantity::parse(quantity.to_string());
  require(again.has_value() && again.value() == quantity, "plain notation means the same value");

  const auto canonical = Quantity::parse_written(quantity.canonical(format));
  require(canonical.has_value() && canonical.value().value == quantity, "the canonical text means the same value");
  require(canonical.value().value.canonical(format) == quantity.canonical(format), "canonical text is final");

  const Quantity rounded = Quantity::from_int(quantity.ceil());
  require(rounded >= quantity && rounded - quantity < Quantity::from_int(1), "ceil is the next integer");
  require(quantity + quantity - quantity == quantity && quantity * 2 == quantity + quantity, "sums are exact");
  return 0;
}
