#include "operator/validation/region_admission.h"

#include <gtest/gtest.h>

namespace headroom::validation {
namespace {

using Labels = std::map<std::string, std::string>;
using From = api::AllowedNamespaces::From;

api::AllowedNamespaces allowed(From from, Labels labels = {}) {
  api::AllowedNamespaces namespaces;
  namespaces.from = from;
  if (from == From::Selector) {
    namespaces.selector.emplace();
    namespaces.selector->match_labels = std::move(labels);
  }
  return namespaces;
}

TEST(RegionAdmission, admits_namespaces_as_the_region_says) {
  struct Row {
    const char* what;
    api::AllowedNamespaces allowed;
    std::optional<Labels> labels;
    const char* refusal;  ///< a part of it; null: admitted
  };
  const Row table[] = {
      {"everyone", allowed(From::All), std::nullopt, nullptr},
      {"only our own", allowed(From::Same), std::nullopt, "spec.allowedNamespaces.from: Same"},
      {"matching labels", allowed(From::Selector, {{"tier", "gold"}}), Labels{{"tier", "gold"}, {"x", "y"}}, nullptr},
      {"other labels", allowed(From::Selector, {{"tier", "gold"}}), Labels{{"tier", "tin"}}, "does not admit"},
      {"no labels", allowed(From::Selector, {{"tier", "gold"}}), Labels{}, "does not admit"},
      {"labels not known", allowed(From::Selector, {{"tier", "gold"}}), std::nullopt, "not known yet"},
      {"an empty selector", allowed(From::Selector), Labels{}, nullptr},
  };
  for (const Row& row : table) {
    const auto refusal = namespace_refusal("mumbai", row.allowed, "shop", row.labels, "headroom-system");
    EXPECT_EQ(refusal.has_value(), row.refusal != nullptr) << row.what;
    if (!refusal || row.refusal == nullptr) continue;
    EXPECT_NE(refusal->find(row.refusal), std::string::npos) << row.what << ": " << *refusal;
    EXPECT_NE(refusal->find("mumbai"), std::string::npos) << "names the region: " << *refusal;
    EXPECT_NE(refusal->find("shop"), std::string::npos) << "names the namespace: " << *refusal;
  }
}

TEST(RegionAdmission, same_means_the_operators_own_namespace) {
  EXPECT_FALSE(namespace_refusal("mumbai", allowed(From::Same), "headroom-system", std::nullopt, "headroom-system"));
}

TEST(RegionAdmission, a_selector_that_is_missing_admits_nobody) {
  api::AllowedNamespaces broken;
  broken.from = From::Selector;
  EXPECT_TRUE(namespace_refusal("mumbai", broken, "shop", Labels{}, "headroom-system"));
}

TEST(RegionAdmission, wants_every_compliance_and_the_residency_that_a_target_requires) {
  using Residency = api::RegionSpec::DataResidency;
  struct Row {
    const char* what;
    std::vector<std::string> offered, required;
    Residency residency;
    std::optional<Residency> wanted;
    std::vector<const char*> told;  ///< empty: admitted
  };
  const Row table[] = {
      {"nothing required", {}, {}, Residency::Open, std::nullopt, {}},
      {"all there", {"EU_GDPR", "BDSG"}, {"EU_GDPR"}, Residency::Open, std::nullopt, {}},
      {"one missing", {"EU_GDPR"}, {"EU_GDPR", "BDSG"}, Residency::Open, std::nullopt, {"lacks compliance BDSG"}},
      {"two missing", {}, {"CCPA", "PDPL"}, Residency::Open, std::nullopt, {"CCPA, PDPL"}},
      {"strict where strict is wanted", {}, {}, Residency::Strict, Residency::Strict, {}},
      {"open where strict is wanted", {}, {}, Residency::Open, Residency::Strict, {"Strict is required"}},
      {"strict where open will do", {}, {}, Residency::Strict, Residency::Open, {}},
      {"both wrong", {}, {"CCPA"}, Residency::Open, Residency::Strict, {"CCPA", "Strict is required"}},
  };
  for (const Row& row : table) {
    api::RegionSpec spec;
    spec.compliance = row.offered;
    spec.data_residency = row.residency;
    const auto refusal = requirements_refusal("frankfurt", spec, {row.required, row.wanted});
    EXPECT_EQ(refusal.has_value(), !row.told.empty()) << row.what << ": " << refusal.value_or("");
    for (const char* part : row.told) {
      EXPECT_NE(refusal.value_or("").find(part), std::string::npos) << row.what << ": " << refusal.value_or("");
    }
  }
}

}  // namespace
}  // namespace headroom::validation
