// The ValidatingAdmissionPolicy that stands behind the webhook for one limit. Pure.
//
// The API server judges by it by itself, so it holds where no webhook is alive and where a limit lets writes pass then.
// It says exactly what the webhook says of caps on fields and on replicas, and reads their bounds from the limit, so
// that another number needs no other policy. It can't count what is stored, keep a rate, or measure an object: totals,
// rates, concurrency and `maxBytes` are the webhook's alone, as are deny rules and, through `/scale`, limits with
// selectors, whose labels and fields a Scale does not show. While `status.backstop` is Active it refuses, in the
// webhook's place, what would raise a paused or halted limit: creates, objects that come into the selection, and fields
// whose sum grows. Of updates under a limit that counts nothing it can't tell whether they grow; those pass.
//
// Policies are judged before webhooks, and know 403 and 413 but neither 429 nor 503: that is why they pause and halt
// only when no webhook would.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/scale_limit.h"

namespace headroom::backstop {

/// On policies and bindings, besides "app.kubernetes.io/managed-by": "headroom".
inline constexpr char kComponentLabel[] = "headroom.dev/component";
inline constexpr char kComponent[] = "backstop";

struct LimitName {
  api::LimitKind kind = api::LimitKind::ScaleLimit;
  api::ObjectKey key;
  auto operator<=>(const LimitName&) const = default;
};

/// Of a limit's policy, and of its binding: "headroom." and the name of its ledger. At most 139 characters.
std::string policy_name(const LimitName& limit);
/// Whose policy has this name; null where it is none of ours.
std::optional<LimitName> limit_of_policy(const std::string& name);

/// Both for server-side apply, with the API server's defaults written out.
struct Backstop {
  nlohmann::json policy, binding;
};
/// Null where there is nothing that a policy could hold: no caps and no pauses, or a limit that does not enforce.
std::optional<Backstop> backstop_of(const api::ScaleLimit& limit, const std::vector<std::string>& excluded_namespaces);

}  // namespace headroom::backstop
