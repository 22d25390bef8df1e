// How the Leases of webhook replicas are found in Headroom's own namespace: by others, who watch whether one lives.
#pragma once

namespace headroom::api {

inline constexpr char kWebhookLeaseLabel[] = "headroom.dev/component";
inline constexpr char kWebhookLeaseComponent[] = "webhook";

}  // namespace headroom::api
