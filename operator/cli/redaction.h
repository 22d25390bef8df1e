// Objects as they may leave a company: without what opens doors. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace headroom::cli {

/// Values of Secrets and ConfigMaps, tokens, passwords, certificates' keys and kubeconfigs become "[redacted]", at any
/// depth, by the names of their fields and by what they look like; passwords in URLs, too. managedFields and the
/// annotation of the last apply are dropped.
nlohmann::json redacted(const nlohmann::json& object);

}  // namespace headroom::cli
