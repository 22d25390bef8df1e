#include "operator/limits/scaled_field.h"

#include <algorithm>

#include "operator/limits/field_values.h"

namespace headroom::limits {

ScaledField ScaledField::of(const api::MatchedResource& resource, const ScaledFields& known) {
  ScaledField field;
  const auto it = known.find({resource.group, resource.version, resource.resource});
  if (it != known.end()) {
    field.path_ = it->second;
  } else if (resource.group.empty() || resource.group == "apps") {
    field.path_ = replicas_path();
  }
  return field;
}

bool ScaledField::may_be(const api::JsonPath& path) const {
  using Kind = api::JsonPath::Step::Kind;
  if (path_) return *path_ == path;
  // A definition names a path below .spec, without lists.
  return path.steps().size() > 1 && path.steps().front().name == "spec" &&
         std::ranges::all_of(path.steps(), [](const auto& step) { return step.kind == Kind::Member; });
}

}  // namespace headroom::limits
