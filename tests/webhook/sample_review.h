// Reviews as an API server sends them, to be changed by tests.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace headroom::webhook {

/// The update of a Deployment from 3 to 5 replicas, about 2,200 bytes as the API server writes it; the order of the
/// members is the API server's. `uid` is sample_uid().
nlohmann::ordered_json sample_review();

std::string sample_uid();

}  // namespace headroom::webhook
