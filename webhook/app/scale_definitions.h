// What the definitions of custom resources say of their `/scale`, for those that limits judge. One thread.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include "operator/api/scale_limit.h"
#include "operator/kube/client.h"
#include "operator/limits/identity.h"
#include "operator/limits/scaled_field.h"

namespace headroom::webhook {

/// The field that a definition's scale subresource writes (`specReplicasPath`) in objects of this version. Null where
/// it has none, and where its versions differ: a write through another version is shown in this one.
std::optional<api::JsonPath> scaled_field_of(const nlohmann::json& definition, const std::string& version);

class ScaleDefinitions {
 public:
  explicit ScaleDefinitions(std::shared_ptr<kube::Reader> reader) : reader_(std::move(reader)) {}

  /// Reads the definitions of what the limits match with `/scale`, where that has not been done for a while; what is
  /// not of use any more is forgotten. A definition that cannot be read leaves what it said before. Whether fields() is
  /// another now.
  bool refresh(const std::vector<std::shared_ptr<const api::ScaleLimit>>& limits, limits::BootTime now,
               const std::stop_token& stop);
  const limits::ScaledFields& fields() const { return fields_; }

 private:
  using Key = limits::ScaledFields::key_type;

  void look(const Key& key, const api::MatchedResource& resource, const std::stop_token& stop);

  const std::shared_ptr<kube::Reader> reader_;
  limits::ScaledFields fields_;
  std::map<Key, limits::BootTime> looked_;
};

}  // namespace headroom::webhook
