// Whether a stored ValidatingWebhookConfiguration makes the API server ask about all that a limit matches. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>

#include "webhook/app/limit_book.h"
#include "webhook/app/webhook_configuration.h"

namespace headroom::webhook {

/// What of the limit's resources and operations `stored` leaves out, for people; empty where it is all in. An entry
/// counts if it reaches this webhook, leaves out nothing but the excluded namespaces, waits as long as it should, and
/// fails as the limit asks. Those that are asked by go into `asking`, by name: their match conditions are not looked
/// at.
std::string left_out(const nlohmann::json& stored, const LimitPtr& limit, const WebhookAddress& address,
                     std::set<std::string>& asking);

}  // namespace headroom::webhook
