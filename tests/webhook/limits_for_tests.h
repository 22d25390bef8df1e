// Compiled limits for tests of what the webhook says of them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "webhook/app/limit_book.h"

namespace headroom::webhook {

/// A ScaleLimit shop/<name> of at most ten Deployments, with their scale.
inline api::ScaleLimit deployments_limit(const std::string& name = "deployments") {
  api::ScaleLimit limit;
  limit.meta.ns = "shop";
  limit.meta.name = name;
  limit.meta.uid = name;
  limit.meta.resource_version = "100";
  limit.meta.generation = 1;
  api::MatchedResource deployments{"apps", "v1", "deployments", {"scale"}, {}, {}};
  deployments.operations = {api::Operation::Create, api::Operation::Update};
  limit.spec.match.resources = {deployments};
  limit.spec.total.count = 10;
  return limit;
}

inline LimitPtr compiled(api::ScaleLimit limit, limits::LimitId id = 1) {
  return std::make_shared<const limits::CompiledLimit>(id, std::make_shared<const api::ScaleLimit>(std::move(limit)),
                                                       std::vector<limits::TypeId>{0}, std::vector<std::string>{},
                                                       std::vector<std::string>{"kube-system"});
}

}  // namespace headroom::webhook
