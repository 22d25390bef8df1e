// Writing status: a field that says nothing (an empty string, an absent optional) is left out, so that what people read
// is short. The counterpart of json_reader.h; include in .cc files only.
#pragma once

#include <absl/time/time.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "operator/base/duration.h"

namespace headroom::api {

/// RFC 3339 in UTC; fractions only where there are some, so that times read back equal (to the microsecond).
inline std::string time_text(absl::Time time) {
  const bool whole = absl::FromUnixSeconds(absl::ToUnixSeconds(time)) == time;
  return whole ? format_rfc3339(time) : format_rfc3339_micro(time);
}

inline void put(nlohmann::json& object, const char* field, const std::string& text) {
  if (!text.empty()) object[field] = text;
}

inline void put(nlohmann::json& object, const char* field, const std::optional<int>& value) {
  if (value) object[field] = *value;
}

inline void put(nlohmann::json& object, const char* field, const std::optional<absl::Time>& time) {
  if (time) object[field] = time_text(*time);
}

/// A list of `items`, each turned into JSON by `write`; left out when empty.
template <class Items, class Write>
void put_list(nlohmann::json& object, const char* field, const Items& items, Write write) {
  if (items.empty()) return;
  nlohmann::json& list = object[field] = nlohmann::json::array();
  for (const auto& item : items) list.push_back(write(item));
}

}  // namespace headroom::api
