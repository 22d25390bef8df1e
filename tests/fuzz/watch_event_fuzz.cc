// Any bytes as one line of a watch: an event that the store and the machine can take, or an error that makes the
// reflector read everything again. Never a crash.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "operator/runtime/reflector.h"
#include "operator/runtime/watch_event.h"
#include "tests/fuzz/require.h"

namespace {

using headroom::Result;
using headroom::fuzz::require;
using namespace headroom::runtime;

struct Kind {
  std::string kind;
};

Result<Kind> decode(const nlohmann::json& object) { return Kind{object.at("kind").get<std::string>()}; }

void check_object(const nlohmann::json& object, const ResourceVersion& at, bool deleted) {
  const ObjectIdentity id = identity_of(object);
  require(!id.key.name.empty(), "an event names its object");
  require(!at.empty() && id.resource_version == at, "an event carries its object's version");
  require(nlohmann::json::parse(object.dump()) == object, "what was read can be written");

  const auto store = std::make_shared<Store<Kind>>();
  const auto sink = store_sink<Kind>(store, decode);
  sink->applied(object);
  sink->listed(object);
  sink->commit_listed();
  require(store->size() <= 1, "one object is one entry");
  if (deleted) {
    sink->deleted(object);
    require(store->size() == 0, "a deleted object is gone");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Result<WatchEvent> event = decode_watch_event({reinterpret_cast<const char*>(data), size});
  WatchInput input;
  if (!event) {
    require(event.error().code == headroom::ErrorCode::Internal, "a line that is no event is nothing to wait for");
    require(!event.error().message.empty() && event.error().message.size() < 1000, "a refusal says why, briefly");
    input = watch_failure(event.error());
    require(std::get<WatchFailed>(input).unclassified, "it makes the reflector read everything again");
  } else if (const auto* applied = std::get_if<ObjectApplied>(&event.value())) {
    check_object(applied->object, applied->at, false);
    input = EventArrived{applied->at};
  } else if (const auto* deleted = std::get_if<ObjectDeleted>(&event.value())) {
    check_object(deleted->object, deleted->at, true);
    input = EventArrived{deleted->at};
  } else if (const auto* bookmark = std::get_if<Bookmark>(&event.value())) {
    require(!bookmark->at.empty(), "a bookmark carries a version");
    input = *bookmark;
  } else {
    input = std::get<StatusReceived>(event.value()).input;
  }
  const WatchStep step = step_watch(Watching{"1"}, input, headroom::Backoff{}, 0);
  for (const WatchOutput& output : step.outputs) {
    if (const auto* wait = std::get_if<Wait>(&output)) {
      require(wait->delay >= headroom::Backoff{}.initial && wait->delay <= kLongestRetryAfter, "every wait is bounded");
    }
  }
  return 0;
}
