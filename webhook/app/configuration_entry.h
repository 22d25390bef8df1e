// One entry of a ValidatingWebhookConfiguration, stored by whomever. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace headroom::webhook {

/// Null where `object` is no object, or has no such member.
const nlohmann::json& member_of(const nlohmann::json& object, const char* name);

/// How the API server reaches the webhook by this entry, but for its authorities: they change while certificates of
/// theirs are in use, and other replicas, or cert-manager's cainjector, change them too. Whoever keeps the certificates
/// looks at them.
nlohmann::json reached(const nlohmann::json& entry);

}  // namespace headroom::webhook
