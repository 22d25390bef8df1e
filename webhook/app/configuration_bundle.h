// The authorities that a stored ValidatingWebhookConfiguration carries. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/certificates/trust.h"

namespace headroom::webhook {

/// `stored` null: there is none. What is not a bundle of certificates carries nothing.
certificates::Carried carried_by(const nlohmann::json& stored);

/// One PEM text of all.
std::string bundle_pem(const std::vector<certificates::Authority>& authorities);

}  // namespace headroom::webhook
