// Which writes the API server need not ask about, though limits match their resource: the conditions of a generated
// webhook configuration. Pure.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/scale_limit.h"

namespace headroom::webhook {

/// Group and plural name: what an expression sees of a request may be of any version.
using GroupResource = std::pair<std::string, std::string>;

/// A limit, and how it matches one resource. Both outlive the call that takes them.
struct LimitOnResource {
  const api::ScaleLimit* limit = nullptr;
  const api::MatchedResource* resource = nullptr;
};
using LimitsByResource = std::map<GroupResource, std::vector<LimitOnResource>>;

/// For one entry of the configuration. All must hold for the API server to ask. They leave out updates that raise
/// nothing that any of the limits bounds, scaling to the same or fewer, and what the end of an object needs: so that
/// all that goes on without a webhook, and the webhook is not asked in vain. Where a limit looks at every write (its
/// rate, the size of objects), an update is left out only for an object that is being deleted, or where it does nothing
/// but take finalizers away. What would make an expression too long for the API server is asked about instead.
nlohmann::json match_conditions(const LimitsByResource& limits);

}  // namespace headroom::webhook
