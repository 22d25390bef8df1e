#include "operator/validation/snapshot.h"

#include <algorithm>

namespace headroom::validation {

const api::Region* Snapshot::region(const std::string& name) const {
  const auto found = std::ranges::find_if(regions, [&](const auto& one) { return one->meta.name == name; });
  return found == regions.end() ? nullptr : found->get();
}

std::optional<std::map<std::string, std::string>> Snapshot::labels_of(const std::string& ns) const {
  const auto found = namespace_labels.find(ns);
  return found == namespace_labels.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace headroom::validation
