// Resource types that the tool reads or removes besides those that the operator names.
#pragma once

#include "operator/api/object.h"
#include "operator/kube/client.h"

namespace headroom::cli::types {

inline const kube::ResourceType kScaleLimit{api::kGroup, api::kVersion, "scalelimits", "ScaleLimit", true};
inline const kube::ResourceType kClusterScaleLimit{api::kGroup, api::kVersion, "clusterscalelimits",
                                                   "ClusterScaleLimit", false};
inline const kube::ResourceType kLimitLedger{api::kGroup, api::kVersion, "limitledgers", "LimitLedger", true};
inline const kube::ResourceType kWebhookConfiguration{
    "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false};

}  // namespace headroom::cli::types
