// CEL: compiling and evaluating end, never crash, and refuse with a reason. The text is the expression; `self` is an
// object with a bit of everything.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "operator/cel/program.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using headroom::fuzz::require;
  namespace cel = headroom::cel;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto program = cel::Program::compile(text, {"self"});
  if (!program) {
    require(!program.error().message.empty(), "a refusal has a reason");
    return 0;
  }
  static const cel::Value self = cel::from_json(nlohmann::json::parse(
      R"({"a": 1, "b": "größe", "c": [1, 2.5, "x", null, true], "d": {"e": {"f": -7}}, "q": "1.5Gi", "t": "90s"})"));
  cel::Options options;
  options.budget = 20'000;
  const auto value = program.value().evaluate({{"self", self}}, options);
  if (!value) {
    require(!value.error().message.empty(), "an error has a reason");
    return 0;
  }
  require(cel::equal(value.value(), value.value()) || cel::to_text(value.value()).find("nan") != std::string::npos,
          "a value equals itself, unless there is a NaN in it");
  return 0;
}
