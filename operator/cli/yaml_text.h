// JSON values as YAML, for `-o yaml`. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace headroom::cli {

/// Block style, ends in a line end. Texts that YAML 1.1 or 1.2 would read as something else are quoted.
std::string yaml_text(const nlohmann::json& value);

}  // namespace headroom::cli
