#include "operator/plan/capacity_views.h"

#include <nlohmann/json.hpp>

#include "operator/api/json_reader.h"
#include "operator/plan/pod_requests.h"

namespace headroom::plan {
namespace {

using api::JsonFault;
using api::JsonReader;
using nlohmann::json;

/// A list of quantities; what is no quantity is a fault.
ResourceList resources(const JsonReader& reader, const char* field) {
  ResourceList list;
  for (const auto& [name, text] : reader.text_map(field)) {
    if (const auto amount = Quantity::parse(text)) {
      list[name] = amount.value();
    } else {
      reader.fail(field, name + ": " + amount.error().message);
    }
  }
  return list;
}

}  // namespace

Result<QuotaView> quota_from_json(const json& quota) {
  JsonFault fault;
  const JsonReader reader(quota, "", fault);
  QuotaView view;
  view.name = api::meta_from_json(quota).name;
  reader.object("spec", [&](const JsonReader& spec) {
    view.scopes = spec.texts("scopes");
    spec.object("scopeSelector", [&](const JsonReader& selector) {
      selector.list("matchExpressions", [&](const JsonReader& expression) {
        const std::string scope = expression.required_text("scopeName");
        if (scope == "PriorityClass") view.by_priority_class = true;
        view.scopes.push_back(scope);
      });
    });
    view.hard = resources(spec, "hard");
  });
  reader.object("status", [&](const JsonReader& status) {
    if (status.has("hard")) view.hard = resources(status, "hard");
    view.used = resources(status, "used");
  });
  if (fault.found()) return fault.error();
  return view;
}

Result<NodeView> node_from_json(const json& node) {
  JsonFault fault;
  const JsonReader reader(node, "", fault);
  NodeView view;
  view.name = api::meta_from_json(node).name;
  bool cordoned = false, ready = false;
  reader.object("spec", [&](const JsonReader& spec) {
    cordoned = spec.boolean("unschedulable");
    spec.list("taints", [&](const JsonReader& taint) {
      const std::string effect = taint.text("effect");
      cordoned = cordoned || effect == "NoSchedule" || effect == "NoExecute";
    });
  });
  reader.object("status", [&](const JsonReader& status) {
    view.allocatable = resources(status, "allocatable");
    status.list("conditions", [&](const JsonReader& condition) {
      if (condition.text("type") == "Ready") ready = condition.text("status") == "True";
    });
  });
  view.accepts_pods = ready && !cordoned;
  if (fault.found()) return fault.error();
  return view;
}

Result<PodUse> pod_use_from_json(const json& pod) {
  JsonFault fault;
  const JsonReader reader(pod, "", fault);
  PodUse use;
  reader.object("spec", [&](const JsonReader& spec) { use.node = spec.text("nodeName"); });
  if (fault.found()) return fault.error();
  if (const auto spec = pod.find("spec"); spec != pod.end()) use.requests = pod_requests(*spec);
  return use;
}

Result<PendingPod> pending_pod_from_json(const json& pod) {
  JsonFault fault;
  const JsonReader reader(pod, "", fault);
  PendingPod pending;
  pending.labels = api::meta_from_json(pod).labels;
  reader.object("status", [&](const JsonReader& status) {
    status.list("conditions", [&](const JsonReader& condition) {
      const bool scheduled = condition.text("type") == "PodScheduled";
      if (scheduled && condition.text("reason") == "Unschedulable") pending.unschedulable = true;
    });
  });
  if (fault.found()) return fault.error();
  return pending;
}

}  // namespace headroom::plan
