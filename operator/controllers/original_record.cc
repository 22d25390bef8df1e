#include <nlohmann/json.hpp>

#include "operator/api/json_reader.h"
#include "operator/base/duration.h"
#include "operator/controllers/overrides.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;
constexpr std::size_t kLongestAnnotation = 8192;

json size_json(const Size& size) {
  json object = json::object();
  if (size.min) object["min"] = *size.min;
  if (size.max) object["max"] = *size.max;
  return object;
}

Size read_size(const api::JsonReader& reader) {
  return {reader.optional_integer("min", {.low = 0}), reader.optional_integer("max", {.low = 0})};
}

Error unreadable(const std::string& problem) {
  return invalid(std::string("annotation ") + api::kOriginalAnnotation + " cannot be read (" + problem +
                 "); correct it, or remove it so that the originals in the ScaleTarget's status count");
}

}  // namespace

std::string to_annotation(const OriginalRecord& record) {
  json object = {{"v", kFormat},
                 {"uid", record.uid},
                 {"original", size_json(record.original)},
                 {"written", size_json(record.written)},
                 {"at", format_rfc3339(record.written_at)},
                 {"target", record.target}};
  if (record.former) object["former"] = size_json(*record.former);
  return object.dump();
}

Result<OriginalRecord> record_from_annotation(const std::string& text) {
  if (text.size() > kLongestAnnotation) return unreadable("longer than any that Headroom writes");
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) return unreadable("not JSON");
  api::JsonFault fault;
  const api::JsonReader reader(object, "", fault);
  OriginalRecord record;
  if (const int format = reader.integer("v", 0); !fault.found() && format != kFormat) {
    return unreadable("format " + std::to_string(format) + ", this Headroom knows format " + std::to_string(kFormat));
  }
  record.uid = reader.required_text("uid");
  record.target = reader.required_text("target");
  record.written_at = reader.required_time("at");
  for (const char* part : {"original", "written"}) {
    if (!reader.has(part)) reader.fail(part, "is missing");
  }
  reader.object("original", [&](const api::JsonReader& size) { record.original = read_size(size); });
  reader.object("written", [&](const api::JsonReader& size) { record.written = read_size(size); });
  reader.object("former", [&](const api::JsonReader& size) { record.former = read_size(size); });
  if (fault.found()) return unreadable(fault.error().message);
  return record;
}

}  // namespace headroom::controllers
