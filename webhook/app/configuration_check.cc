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
  return fails && reached(entry) == reached(wanted) && at(entry, "matchPolicy") == at(wanted, "matchPolicy") &&
         at(entry, "namespaceSelector") == at(wanted, "namespaceSelector") && selects_all(at(entry, "objectSelector"));
}

bool asks(const json& rule, const json& wanted, const json& resource, const json& operation) {
  return lists(at(rule, "apiGroups"), at(wanted, "apiGroups").front()) &&
         lists(at(rule, "apiVersions"), at(wanted, "apiVersions").front()) && lists(at(rule, "resources"), resource) &&
         lists(at(rule, "operations"), operation) &&
         (at(rule, "scope") == at(wanted, "scope") || at(rule, "scope") == "*");
}

bool is_asked(const json& stored, const json& wanted_entry, const json& wanted_rule, const json& resource,
              const json& operation) {
  const json& entries = at(stored, "webhooks");
  return entries.is_array() && std::ranges::any_of(entries, [&](const json& entry) {
           const json& rules = at(entry, "rules");
           return counts(entry, wanted_entry) && rules.is_array() && std::ranges::any_of(rules, [&](const json& rule) {
                    return asks(rule, wanted_rule, resource, operation);
                  });
         });
}

}  // namespace

const kube::ResourceType kWebhookConfiguration{"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations",
                                               "ValidatingWebhookConfiguration", false};

std::string left_out(const json& stored, const LimitPtr& limit, const WebhookAddress& address) {
  constexpr std::size_t kTold = 3;
  std::vector<std::string> missing;
  const json wanted = webhook_configuration("", limits::LimitSet({limit}), address);
  for (const json& entry : wanted.at("webhooks")) {
    for (const json& rule : entry.at("rules")) {
      for (const json& resource : rule.at("resources")) {
        for (const json& operation : rule.at("operations")) {
          if (is_asked(stored, entry, rule, resource, operation)) continue;
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
