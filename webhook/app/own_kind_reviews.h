// Reviews of Headroom's own objects: what makes no sense beside the others is refused or warned of.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/net/http_server.h"
#include "operator/validation/finding.h"
#include "operator/validation/snapshot.h"
#include "webhook/answer.h"
#include "webhook/app/webhook_configuration.h"

namespace headroom::webhook {

/// Where they go; limits' reviews go to kReviewPath.
inline constexpr char kOwnKindsPath[] = "/validate-headroom";

/// One write of an object of Headroom's own. `former` null: a create.
struct OwnKindWrite {
  const nlohmann::json& object;
  const nlohmann::json* former = nullptr;
};

/// What stands against the write: that controllers could not read the object, and the rules of operator/validation.
/// What stood against the former object already is a warning. Objects of other kinds pass. Reads time zones.
std::vector<validation::Finding> judge(const OwnKindWrite& write, const validation::Snapshot& others, absl::Time now);

/// Errors refuse with 422, all of them in one message; else the warnings, the first sixteen of them, go to the client.
Answer answer_to(const std::vector<validation::Finding>& findings, const nlohmann::json& object);

/// What is needed for a review; `complete` false: others than those there may exist, so that warnings may be wrong.
struct OwnKindsNow {
  validation::Snapshot snapshot;
  bool complete = false;
  absl::Time now;
};

/// Answers AdmissionReviews, as review_endpoint(). Deletes, and whatever is being deleted, pass.
net::AsyncHttpHandler own_kinds_endpoint(std::function<OwnKindsNow()> now);

/// Of a ValidatingWebhookConfiguration: spec changes of Headroom's own kinds. failurePolicy Ignore, unless the address
/// says otherwise: without a webhook everything can be mended, by the rules of the CRDs alone.
nlohmann::json own_kinds_entry(const WebhookAddress& address);

}  // namespace headroom::webhook
