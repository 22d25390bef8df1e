#include "operator/controllers/region_access.h"

#include <absl/strings/str_cat.h>

#include "operator/validation/region_admission.h"

namespace headroom::controllers {
namespace {

std::string no_region(const std::string& name) {
  return absl::StrCat("there is no Region ", name, ": create it, or correct spec.region");
}

}  // namespace

std::optional<RegionRefusal> refusal_of(const World& world, const api::ScaleTarget& target, const api::Region* region) {
  const std::string& name = target.spec.region;
  if (region == nullptr && name != api::kLocalRegion) {
    return RegionRefusal{"RegionNotFound", no_region(name)};
  }
  static const api::RegionSpec kLocal;
  const api::RegionSpec& spec = region == nullptr ? kLocal : region->spec;
  const bool by_label = spec.allowed_namespaces.from == api::AllowedNamespaces::From::Selector;
  if (auto refused = validation::namespace_refusal(name, spec.allowed_namespaces, target.meta.ns,
                                                   by_label ? namespace_labels_of(world, target.meta.ns) : std::nullopt,
                                                   world.options.own_namespace)) {
    return RegionRefusal{"NamespaceNotAllowed", *std::move(refused)};
  }
  if (auto refused = validation::requirements_refusal(name, spec, target.spec.requirements)) {
    return RegionRefusal{"RequirementsNotMet", *std::move(refused)};
  }
  return std::nullopt;
}

std::string unconnected_problem(const World& world, const std::string& region, const std::optional<RegionLink>& link) {
  if (link) return absl::StrCat("region ", region, " is not connected: ", link->problem);
  if (region == api::kLocalRegion || world.regions->get({"", region})) {
    return absl::StrCat("region ", region, " is being connected");
  }
  return no_region(region);
}

std::optional<std::map<std::string, std::string>> namespace_labels_of(const World& world, const std::string& ns) {
  const auto labels = world.namespace_labels->get({"", ns});
  return labels ? std::optional(*labels) : std::nullopt;
}

}  // namespace headroom::controllers
