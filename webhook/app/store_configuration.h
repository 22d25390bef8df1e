// Writes the generated webhook configuration.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <stop_token>

#include "operator/kube/client.h"

namespace headroom::webhook {

/// Applies it, and takes out what others have put into its entries: match conditions that are merely not ours would
/// leave writes out as well. Entries of others, and authorities that others set, are let be. Where the configuration
/// has a metadata.resourceVersion: onto that one, or Conflict.
Status store_configuration(kube::Writer& writer, const nlohmann::json& configuration, const std::stop_token& stop);

}  // namespace headroom::webhook
