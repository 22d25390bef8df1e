#include "webhook/app/configuration_check.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "webhook/app/configuration_entry.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;

bool lists(const json& list, const json& value) {
  return list.is_array() &&
         std::ranges::any_of(list, [&](const json& one) { return one == value || one == json("*"); });
}

/// One that was said nothing of is stored as an empty one.
bool selects_all(const json& selector) { return selector.is_null() || selector.empty(); }

bool counts(const json& entry, const json& wanted) {
  const bool fails = member_of(entry, "failurePolicy") == member_of(wanted, "failurePolicy") ||
                     member_of(entry, "failurePolicy") == "Fail";
  constexpr const char* kSame[] = {"matchPolicy", "namespaceSelector", "timeoutSeconds", "sideEffects"};
  return fails && reached(entry) == reached(wanted) && selects_all(member_of(entry, "objectSelector")) &&
         std::ranges::all_of(kSame,
                             [&](const char* field) { return member_of(entry, field) == member_of(wanted, field); });
}

bool asks(const json& rule, const json& wanted, const json& resource, const json& operation) {
  return lists(member_of(rule, "apiGroups"), member_of(wanted, "apiGroups").front()) &&
         lists(member_of(rule, "apiVersions"), member_of(wanted, "apiVersions").front()) &&
         lists(member_of(rule, "resources"), resource) && lists(member_of(rule, "operations"), operation) &&
         (member_of(rule, "scope") == member_of(wanted, "scope") || member_of(rule, "scope") == "*");
}

/// The entry by which the API server asks; null: none.
const json* asking_entry(const json& stored, const json& wanted_entry, const json& wanted_rule, const json& resource,
                         const json& operation) {
  const json& entries = member_of(stored, "webhooks");
  if (!entries.is_array()) return nullptr;
  const auto entry = std::ranges::find_if(entries, [&](const json& one) {
    const json& rules = member_of(one, "rules");
    return counts(one, wanted_entry) && rules.is_array() &&
           std::ranges::any_of(rules, [&](const json& rule) { return asks(rule, wanted_rule, resource, operation); });
  });
  return entry == entries.end() ? nullptr : &*entry;
}

}  // namespace

std::string left_out(const json& stored, const LimitPtr& limit, const WebhookAddress& address,
                     std::set<std::string>& asking) {
  constexpr std::size_t kTold = 3;
  std::vector<std::string> missing;
  const json wanted = webhook_configuration("", limits::LimitSet({limit}), address);
  for (const json& entry : wanted.at("webhooks")) {
    for (const json& rule : entry.at("rules")) {
      for (const json& resource : rule.at("resources")) {
        for (const json& operation : rule.at("operations")) {
          if (const json* const found = asking_entry(stored, entry, rule, resource, operation)) {
            asking.insert(found->value("name", ""));
            continue;
          }
          const std::string group = rule.at("apiGroups").front().get<std::string>();
          missing.push_back(absl::StrCat(operation.get<std::string>(), " of ", resource.get<std::string>(),
                                         group.empty() ? "" : ".", group));
        }
      }
    }
  }
  if (missing.empty()) return "";
  const std::size_t told = std::min(missing.size(), kTold);
  return absl::StrCat(absl::StrJoin(missing.begin(), missing.begin() + static_cast<std::ptrdiff_t>(told), ", "),
                      missing.size() > told ? absl::StrCat(" and ", missing.size() - told, " more") : "");
}

}  // namespace headroom::webhook
