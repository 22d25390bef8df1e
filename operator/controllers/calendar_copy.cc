#include "operator/controllers/calendar_copy.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>

#include "operator/base/duration.h"
#include "operator/controllers/stable_hash.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;

constexpr char kSourceAnnotation[] = "headroom.dev/calendar-source";
constexpr char kReadAnnotation[] = "headroom.dev/calendar-read";
constexpr char kTextKey[] = "calendar.ics";

std::string source_text(const CalendarSourceKey& source) { return absl::StrCat(source.config_map, "/", source.key); }

}  // namespace

std::string CalendarSourceKey::to_string() const {
  return absl::StrCat("ConfigMap ", ns, "/", config_map, " key '", key, "'");
}

std::string calendar_copy_name(const CalendarSourceKey& source) {
  return absl::StrCat("headroom-calendar-", stable_hash_text(source_text(source)));
}

json to_config_map(const CalendarSourceKey& source, const CalendarCopy& copy) {
  json owners = json::array();
  for (const api::OwnerReference& owner : copy.owners) {
    owners.push_back(
        {{"apiVersion", owner.api_version}, {"kind", owner.kind}, {"name", owner.name}, {"uid", owner.uid}});
  }
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata",
           {{"name", calendar_copy_name(source)},
            {"namespace", source.ns},
            {"labels", {{"app.kubernetes.io/managed-by", "headroom"}}},
            {"annotations", {{kSourceAnnotation, source_text(source)}, {kReadAnnotation, format_rfc3339(copy.read)}}},
            {"ownerReferences", std::move(owners)}}},
          {"data", {{kTextKey, copy.text}}}};
}

Result<CalendarCopy> calendar_copy_from_json(const CalendarSourceKey& source, const json& config_map) {
  const api::ObjectMeta meta = api::meta_from_json(config_map);
  const auto annotation = [&](const char* name) {
    const auto it = meta.annotations.find(name);
    return it == meta.annotations.end() ? std::string() : it->second;
  };
  const std::string name = absl::StrCat("ConfigMap ", meta.ns, "/", meta.name);
  if (annotation(kSourceAnnotation) != source_text(source)) {
    return invalid(absl::StrCat(name, " is not the copy of ", source.to_string()));
  }
  const auto data = config_map.find("data");
  if (data == config_map.end() || !data->is_object() || !data->contains(kTextKey) || !(*data)[kTextKey].is_string()) {
    return invalid(absl::StrCat(name, " has no key '", kTextKey, "'"));
  }
  BOOST_OUTCOME_TRY(read, parse_rfc3339(annotation(kReadAnnotation)));
  return CalendarCopy{(*data)[kTextKey].get<std::string>(), read, meta.owners};
}

}  // namespace headroom::controllers
