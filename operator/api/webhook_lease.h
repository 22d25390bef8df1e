// The Leases of webhook replicas in Headroom's own namespace: for others, who watch whether one lives, or remove them.
#pragma once

namespace headroom::api {

inline constexpr char kWebhookLeaseLabel[] = "headroom.dev/component";
inline constexpr char kWebhookLeaseComponent[] = "webhook";
/// The Lease of the replica that writes the statuses of limits.
inline constexpr char kWebhookStatusLease[] = "headroom-webhook-status";

}  // namespace headroom::api
