// Which field of an object a write to its `/scale` changes. Such a review shows a Scale, which calls that field
// `.spec.replicas`, whatever it is called in the object. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "operator/api/json_path.h"
#include "operator/api/scale_limit.h"

namespace headroom::limits {

/// What definitions of custom resources say (`specReplicasPath`), by group, version and resource.
using ScaledFields = std::map<std::tuple<std::string, std::string, std::string>, api::JsonPath>;

class ScaledField {
 public:
  /// `known` need not name what Kubernetes ships: there it is `.spec.replicas`.
  static ScaledField of(const api::MatchedResource& resource, const ScaledFields& known);

  /// Whether it is this one.
  bool is(const api::JsonPath& path) const { return path_ && *path_ == path; }
  /// Whether it is, or may be: of what is not known, every field of the spec that definitions may name.
  bool may_be(const api::JsonPath& path) const;
  /// Null where it is not known.
  const std::optional<api::JsonPath>& path() const { return path_; }

  bool operator==(const ScaledField&) const = default;

 private:
  std::optional<api::JsonPath> path_;
};

}  // namespace headroom::limits
