// Headroom's own objects for the tables of rules: a plain one of each kind with a merge patch over its spec.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/validation/finding.h"
#include "operator/validation/snapshot.h"

namespace headroom::validation {

/// In namespace "shop": the HPA of Deployment <name>, in region local.
std::shared_ptr<const api::ScaleTarget> a_target(const std::string& name, const nlohmann::json& spec = {},
                                                 const nlohmann::json& labels = {});
std::shared_ptr<const api::Region> a_region(const std::string& name, const nlohmann::json& spec = {});
/// In namespace "shop": 2x from D to D+1 for all targets, on 2026-11-08 in Asia/Kolkata.
std::shared_ptr<const api::FestivalSchedule> a_schedule(const std::string& name, const nlohmann::json& spec = {});
/// In namespace "shop", over artifacts.example.com v1 without any bound.
std::shared_ptr<const api::ScaleLimit> a_limit(const std::string& name, const nlohmann::json& spec);
std::shared_ptr<const api::ScaleLimit> a_cluster_limit(const std::string& name, const nlohmann::json& spec);

/// "error spec.field: message" of each.
std::vector<std::string> texts(const std::vector<Finding>& findings);

}  // namespace headroom::validation
