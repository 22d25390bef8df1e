// Any bytes as the path of a limit: a path that is written as it is read, or a refusal in words. Never a crash.
#include <cstddef>
#include <cstdint>
#include <string>

#include "operator/limits/path.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using headroom::fuzz::require;
  using headroom::limits::Path;
  const auto path = Path::parse({reinterpret_cast<const char*>(data), size});
  if (!path) {
    require(path.error().code == headroom::ErrorCode::InvalidArgument, "a wrong path is the writer's fault");
    require(!path.error().message.empty() && path.error().message.size() < 1000, "a refusal says why, briefly");
    return 0;
  }
  require(!path.value().segments().empty() && path.value().segments().size() <= Path::kDeepest, "a path is bounded");
  const auto again = Path::parse(path.value().to_string());
  require(again.has_value() && again.value() == path.value(), "a path that was written is the same when read");
  return 0;
}
