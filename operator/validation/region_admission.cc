#include "operator/validation/region_admission.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <vector>

namespace headroom::validation {

std::optional<std::string> namespace_refusal(const std::string& region, const api::AllowedNamespaces& allowed,
                                             const std::string& ns,
                                             const std::optional<std::map<std::string, std::string>>& ns_labels,
                                             const std::string& own_namespace) {
  switch (allowed.from) {
    case api::AllowedNamespaces::From::All:
      return std::nullopt;
    case api::AllowedNamespaces::From::Same:
      if (ns == own_namespace) return std::nullopt;
      return absl::StrCat("Region ", region, " admits only namespace ", own_namespace,
                          " (spec.allowedNamespaces.from: Same), not ", ns,
                          "; its administrator can widen spec.allowedNamespaces");
    case api::AllowedNamespaces::From::Selector:
      break;
  }
  if (!ns_labels) {
    return absl::StrCat("Region ", region, " admits namespaces by label, and the labels of namespace ", ns,
                        " are not known yet");
  }
  if (allowed.selector && allowed.selector->matches(*ns_labels)) return std::nullopt;
  return absl::StrCat("Region ", region, " does not admit namespace ", ns,
                      ": its labels do not match spec.allowedNamespaces.selector; label the namespace or widen the "
                      "selector");
}

std::optional<std::string> requirements_refusal(const std::string& region, const api::RegionSpec& spec,
                                                const api::Requirements& requirements) {
  std::vector<std::string> missing;
  for (const std::string& rule : requirements.compliance) {
    if (std::ranges::find(spec.compliance, rule) == spec.compliance.end()) missing.push_back(rule);
  }
  std::vector<std::string> faults;
  if (!missing.empty()) faults.push_back(absl::StrCat("it lacks compliance ", absl::StrJoin(missing, ", ")));
  const bool wants_strict = requirements.residency == api::RegionSpec::DataResidency::Strict;
  if (wants_strict && spec.data_residency != api::RegionSpec::DataResidency::Strict) {
    faults.push_back("its dataResidency is Open, Strict is required");
  }
  if (faults.empty()) return std::nullopt;
  return absl::StrCat("Region ", region, " does not meet spec.requires: ", absl::StrJoin(faults, "; "),
                      "; choose another region, or change the Region if it really offers this");
}

}  // namespace headroom::validation
