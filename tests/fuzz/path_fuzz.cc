// Any bytes as the path of a limit: a path that is written as it is read, or a refusal in words. Never a crash.
#include <cstddef>
#include <cstdint>
#include <string>

#include "operator/api/json_path.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using headroom::api::JsonPath;
  using headroom::fuzz::require;
  const auto path = JsonPath::parse({reinterpret_cast<const char*>(data), size});
  if (!path) {
    require(path.error().code == headroom::ErrorCode::InvalidArgument, "a wrong path is the writer's fault");
    require(!path.error().message.empty() && path.error().message.size() < 1000, "a refusal says why, briefly");
    return 0;
  }
  require(!path.value().empty() && path.value().steps().size() <= 16, "a path is bounded");
  const auto again = JsonPath::parse(path.value().text());
  require(again.has_value() && again.value() == path.value(), "a path that was written is the same when read");
  return 0;
}
