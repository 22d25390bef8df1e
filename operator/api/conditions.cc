// metav1.Condition: set, find, and JSON.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/api/object.h"
#include "operator/base/duration.h"

namespace headroom::api {
namespace {

using nlohmann::json;

/// metav1.Condition's bound on a message; the API server refuses the whole status above it.
constexpr std::size_t kLongestMessage = 32768;

/// At most `limit` bytes, never ending inside a UTF-8 sequence.
void cut(std::string& text, std::size_t limit) {
  if (text.size() <= limit) return;
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  while (limit > 0 && continues(text[limit])) --limit;
  text.resize(limit);
}

std::string text_of(const json& object, const char* field) {
  const auto it = object.find(field);
  const auto* text = it == object.end() ? nullptr : it->get_ptr<const std::string*>();
  return text == nullptr ? std::string() : *text;
}

}  // namespace

void set_condition(std::vector<Condition>& conditions, Condition condition) {
  cut(condition.message, kLongestMessage);
  // Stored times have whole seconds; kept so in memory too, what is read back equals what was set.
  condition.last_transition = absl::FromUnixSeconds(absl::ToUnixSeconds(condition.last_transition));
  const auto it = std::find_if(conditions.begin(), conditions.end(),
                               [&](const Condition& present) { return present.type == condition.type; });
  if (it == conditions.end()) {
    // Few, and kept for every object: doubling would leave a third of their memory empty.
    conditions.reserve(conditions.size() + 1);
    conditions.push_back(std::move(condition));
    return;
  }
  if (it->status == condition.status) condition.last_transition = it->last_transition;
  *it = std::move(condition);
}

void remove_condition(std::vector<Condition>& conditions, std::string_view type) {
  std::erase_if(conditions, [&](const Condition& condition) { return condition.type == type; });
}

const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type) {
  const auto it = std::find_if(conditions.begin(), conditions.end(),
                               [&](const Condition& condition) { return condition.type == type; });
  return it == conditions.end() ? nullptr : &*it;
}

json to_json(const std::vector<Condition>& conditions) {
  json list = json::array();
  for (const Condition& condition : conditions) {
    list.push_back({{"type", condition.type},
                    {"status", condition.status ? "True" : "False"},
                    {"reason", condition.reason},
                    {"message", condition.message},
                    {"observedGeneration", condition.observed_generation},
                    {"lastTransitionTime", format_rfc3339(condition.last_transition)}});
  }
  return list;
}

std::vector<Condition> conditions_from_json(const json& list) {
  std::vector<Condition> conditions;
  if (!list.is_array()) return conditions;
  conditions.reserve(list.size());
  for (const json& item : list) {
    if (!item.is_object()) continue;
    Condition condition;
    condition.type = text_of(item, "type");
    if (condition.type.empty()) continue;
    condition.status = text_of(item, "status") == "True";
    condition.reason = text_of(item, "reason");
    condition.message = text_of(item, "message");
    if (const auto it = item.find("observedGeneration"); it != item.end() && it->is_number_integer()) {
      condition.observed_generation = it->get<std::int64_t>();
    }
    const Result<absl::Time> changed = parse_rfc3339(text_of(item, "lastTransitionTime"));
    condition.last_transition = changed ? changed.value() : absl::UnixEpoch();
    conditions.push_back(std::move(condition));
  }
  return conditions;
}

}  // namespace headroom::api
