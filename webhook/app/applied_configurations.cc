#include "webhook/app/applied_configurations.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "webhook/app/configuration_entry.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;

// What was applied longer ago is of no replica that still runs behind.
constexpr std::size_t kRemembered = 256;

bool is_empty(const json& selector) { return selector.is_null() || selector.empty(); }

bool is_stored_entry(const json& stored, const json& applied) {
  for (const auto& [field, value] : applied.items()) {
    if (field == "matchConditions") {
      if (conditions_digest(stored) != conditions_digest(applied)) return false;
    } else if (field == "clientConfig") {
      if (reached(stored) != reached(applied)) return false;
    } else if (is_empty(value) ? !is_empty(member_of(stored, field.c_str()))
                               : member_of(stored, field.c_str()) != value) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool is_stored(const json& stored, const json& applied) {
  const json& entries = member_of(stored, "webhooks");
  return std::ranges::all_of(member_of(applied, "webhooks"), [&](const json& wanted) {
    return entries.is_array() && std::ranges::any_of(entries, [&](const json& entry) {
             return member_of(entry, "name") == member_of(wanted, "name") && is_stored_entry(entry, wanted);
           });
  });
}

std::size_t conditions_digest(const json& entry) {
  std::vector<std::string> texts;
  const json& conditions = member_of(entry, "matchConditions");
  if (conditions.is_array()) {
    for (const json& condition : conditions) texts.push_back(condition.dump());
  }
  std::ranges::sort(texts);
  std::string all;
  for (const std::string& text : texts) all += text + "\n";
  return std::hash<std::string>{}(all);
}

void AppliedConfigurations::add(const limits::LimitSet& limits, const json& configuration) {
  ++sequence_;
  std::map<std::string, Since> next;
  for (const auto& limit : limits.limits()) {
    const api::ObjectMeta& meta = limit->limit().meta;
    const auto known = limits_.find(meta.uid);
    const bool same = known != limits_.end() && known->second.generation == meta.generation;
    next[meta.uid] = same ? known->second : Since{meta.generation, sequence_};
  }
  limits_ = std::move(next);
  for (const json& entry : member_of(configuration, "webhooks")) last_applied_[conditions_digest(entry)] = sequence_;
  while (last_applied_.size() > kRemembered) {
    last_applied_.erase(
        std::ranges::min_element(last_applied_, {}, &std::pair<const std::size_t, std::int64_t>::second));
  }
  if (&latest_ != &configuration) latest_ = configuration;
}

bool AppliedConfigurations::covers(const api::ObjectMeta& limit) const {
  const auto known = limits_.find(limit.uid);
  return known != limits_.end() && known->second.generation == limit.generation;
}

bool AppliedConfigurations::knows(const api::ObjectMeta& limit, std::size_t conditions) const {
  const auto applied = last_applied_.find(conditions);
  return covers(limit) && applied != last_applied_.end() && applied->second >= limits_.at(limit.uid).sequence;
}

}  // namespace headroom::webhook
