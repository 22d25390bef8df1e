// One object of each kind, as the API server would send it, in which every field of the spec says something.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace headroom::api {

nlohmann::json full_region();
nlohmann::json full_scale_target();
nlohmann::json full_festival_schedule();
nlohmann::json full_scale_limit();
nlohmann::json full_cluster_scale_limit();
nlohmann::json full_limit_ledger();

}  // namespace headroom::api
