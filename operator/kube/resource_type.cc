// ResourceType, the types that Headroom knows by name, and the URL paths made from them.
#include "operator/api/scale_limit.h"
#include "operator/kube/client.h"
#include "operator/kube/url.h"

namespace headroom::kube {

namespace types {

const ResourceType kRegion{"headroom.dev", "v1alpha1", "regions", "Region", false};
const ResourceType kScaleTarget{"headroom.dev", "v1alpha1", "scaletargets", "ScaleTarget", true};
const ResourceType kFestivalSchedule{"headroom.dev", "v1alpha1", "festivalschedules", "FestivalSchedule", true};
const ResourceType kScaleLimit{"headroom.dev", "v1alpha1", "scalelimits", "ScaleLimit", true};
const ResourceType kClusterScaleLimit{"headroom.dev", "v1alpha1", "clusterscalelimits", "ClusterScaleLimit", false};
const ResourceType kLimitLedger{"headroom.dev", "v1alpha1", "limitledgers", "LimitLedger", true};
const ResourceType kConfigMap{"", "v1", "configmaps", "ConfigMap", true};
const ResourceType kSecret{"", "v1", "secrets", "Secret", true};
const ResourceType kNamespace{"", "v1", "namespaces", "Namespace", false};
const ResourceType kNode{"", "v1", "nodes", "Node", false};
const ResourceType kPod{"", "v1", "pods", "Pod", true};
const ResourceType kResourceQuota{"", "v1", "resourcequotas", "ResourceQuota", true};
const ResourceType kDeployment{"apps", "v1", "deployments", "Deployment", true};
const ResourceType kStatefulSet{"apps", "v1", "statefulsets", "StatefulSet", true};
const ResourceType kReplicaSet{"apps", "v1", "replicasets", "ReplicaSet", true};
const ResourceType kHorizontalPodAutoscaler{"autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler",
                                            true};
const ResourceType kScaledObject{"keda.sh", "v1alpha1", "scaledobjects", "ScaledObject", true};
const ResourceType kLease{"coordination.k8s.io", "v1", "leases", "Lease", true};
const ResourceType kEvent{"events.k8s.io", "v1", "events", "Event", true};
const ResourceType kCustomResourceDefinition{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                             "CustomResourceDefinition", false};
const ResourceType kValidatingWebhookConfiguration{
    "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false};
const ResourceType kValidatingAdmissionPolicy{"admissionregistration.k8s.io", "v1", "validatingadmissionpolicies",
                                              "ValidatingAdmissionPolicy", false};
const ResourceType kValidatingAdmissionPolicyBinding{"admissionregistration.k8s.io", "v1",
                                                     "validatingadmissionpolicybindings",
                                                     "ValidatingAdmissionPolicyBinding", false};
const ResourceType kClusterRoleBinding{"rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding",
                                       false};

const ResourceType& limit_type(api::LimitKind kind) {
  return kind == api::LimitKind::ScaleLimit ? kScaleLimit : kClusterScaleLimit;
}

}  // namespace types

std::string ResourceType::api_version() const { return group.empty() ? version : group + "/" + version; }

std::string ResourceType::to_string() const { return group.empty() ? plural : plural + "." + group; }

std::string collection_path(const ResourceType& type, const std::string& ns) {
  std::string path = type.group.empty() ? "/api" : "/apis";
  const auto add = [&path](const std::string& segment) { path.append("/").append(percent_encode(segment)); };
  if (!type.group.empty()) add(type.group);
  add(type.version);
  if (type.namespaced && !ns.empty()) {
    add("namespaces");
    add(ns);
  }
  add(type.plural);
  return path;
}

std::string object_path(const ResourceType& type, const api::ObjectKey& key, const std::string& subresource) {
  std::string path = collection_path(type, key.ns);
  path.append("/").append(percent_encode(key.name));
  if (!subresource.empty()) path.append("/").append(percent_encode(subresource));
  return path;
}

}  // namespace headroom::kube
