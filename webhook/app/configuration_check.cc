#include "webhook/app/configuration_check.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace headroom::webhook {
namespace {

using nlohmann::json;

const json kNothing;

const json& at(const json& object, const char* field) {
  if (!object.is_object()) return kNothing;
  const auto it = object.find(field);
  return it == object.end() ? kNothing : *it;
}

bool lists(const json& list, const json& value) {
  return list.is_array() &&
         std::ranges::any_of(list, [&](const json& one) { return one == value || one == json("*"); });
}

/// One that was said nothing of is stored as an empty one.
bool selects_all(const json& selector) { return selector.is_null() || selector.empty(); }

/// By whom a certificate is verified changes while it is in use, and whoever keeps the certificates looks at it.
json reached(const json& entry) {
  json config = at(entry, "clientConfig");
  if (config.is_object()) config.erase("caBundle");
  return config;
}

bool counts(const json& entry, const json& wanted) {
  const bool fails = at(entry, "failurePolicy") == at(wanted, "failurePolicy") || at(entry, "failurePolicy") == "Fail";
  constexpr const char* kSame[] = {"matchPolicy", "namespaceSelector", "timeoutSeconds", "sideEffects"};
  return fails && reached(entry) == reached(wanted) && selects_all(at(entry, "objectSelector")) &&
         std::ranges::all_of(kSame, [&](const char* field) { return at(entry, field) == at(wanted, field); });
}

bool asks(const json& rule, const json& wanted, const json& resource, const json& operation) {
  return lists(at(rule, "apiGroups"), at(wanted, "apiGroups").front()) &&
         lists(at(rule, "apiVersions"), at(wanted, "apiVersions").front()) && lists(at(rule, "resources"), resource) &&
         lists(at(rule, "operations"), operation) &&
         (at(rule, "scope") == at(wanted, "scope") || at(rule, "scope") == "*");
}

/// The entry by which the API server asks; null: none.
const json* asking_entry(const json& stored, const json& wanted_entry, const json& wanted_rule, const json& resource,
                         const json& operation) {
  const json& entries = at(stored, "webhooks");
  if (!entries.is_array()) return nullptr;
  const auto entry = std::ranges::find_if(entries, [&](const json& one) {
    const json& rules = at(one, "rules");
    return counts(one, wanted_entry) && rules.is_array() &&
           std::ranges::any_of(rules, [&](const json& rule) { return asks(rule, wanted_rule, resource, operation); });
  });
  return entry == entries.end() ? nullptr : &*entry;
}

}  // namespace

const kube::ResourceType kWebhookConfiguration{"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations",
                                               "ValidatingWebhookConfiguration", false};

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
