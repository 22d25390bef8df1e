#include "operator/controllers/backstop_reconciler.h"

#include <algorithm>

#include "operator/backstop/policy.h"
#include "operator/base/log.h"

namespace headroom::controllers {
namespace {

using api::LimitKind;
using nlohmann::json;
using Backstop = api::ScaleLimitStatus::Backstop;

bool has_labels(const api::ObjectMeta& meta, const json& wanted) {
  const auto labels = wanted.at("metadata").at("labels").get<std::map<std::string, std::string>>();
  return std::ranges::all_of(labels, [&](const auto& label) {
    const auto stored = meta.labels.find(label.first);
    return stored != meta.labels.end() && stored->second == label.second;
  });
}

}  // namespace

Result<StoredPolicy> stored_policy_from_json(const json& object) {
  return StoredPolicy{api::meta_from_json(object), object.value("spec", json::object())};
}

BackstopReconciler::BackstopReconciler(std::shared_ptr<kube::Writer> writer, BackstopSources sources,
                                       std::vector<std::string> excluded_namespaces, std::string watched)
    : writer_(std::move(writer)),
      sources_(std::move(sources)),
      excluded_(std::move(excluded_namespaces)),
      watched_(std::move(watched)) {}

Result<runtime::ReconcileResult> BackstopReconciler::reconcile(const runtime::WorkKey& key,
                                                               const std::stop_token& stop) {
  const bool namespaced = key.kind == api::to_string(LimitKind::ScaleLimit);
  const LimitKind kind = namespaced ? LimitKind::ScaleLimit : LimitKind::ClusterScaleLimit;
  if (namespaced && !watched_.empty() && key.object.ns != watched_) return runtime::ReconcileResult{};
  if (sources_.unreadable(kind, key.object)) return runtime::ReconcileResult{};
  const auto limit = (namespaced ? sources_.limits : sources_.cluster_limits)->get(key.object);
  const auto wanted = limit ? backstop::backstop_of(*limit, excluded_) : std::nullopt;
  const std::string name = backstop::policy_name({kind, key.object});
  const std::optional<bool> needed = wanted ? sources_.needed() : false;
  const auto tell_if = [&](bool active) -> Status {
    const Backstop now = active ? Backstop::Active : Backstop::Inactive;
    return limit && needed == active && limit->status.backstop != now ? tell(*limit, now, stop) : ok();
  };
  // Its end needs no policy as it should be: one that is refused is not to pause in a live webhook's place.
  BOOST_OUTCOME_TRYV(tell_if(false));
  // A binding without its policy refuses nothing, a policy without a binding neither: but both say so in logs.
  if (wanted) {
    BOOST_OUTCOME_TRYV(put(kube::types::kValidatingAdmissionPolicy, *sources_.policies, name, &wanted->policy, stop));
    BOOST_OUTCOME_TRYV(
        put(kube::types::kValidatingAdmissionPolicyBinding, *sources_.bindings, name, &wanted->binding, stop));
  } else {
    BOOST_OUTCOME_TRYV(put(kube::types::kValidatingAdmissionPolicyBinding, *sources_.bindings, name, nullptr, stop));
    BOOST_OUTCOME_TRYV(put(kube::types::kValidatingAdmissionPolicy, *sources_.policies, name, nullptr, stop));
  }
  BOOST_OUTCOME_TRYV(tell_if(true));
  return runtime::ReconcileResult{};
}

Status BackstopReconciler::put(const kube::ResourceType& type, const runtime::Store<StoredPolicy>& store,
                               const std::string& name, const json* wanted, const std::stop_token& stop) {
  const auto stored = store.get({"", name});
  const std::pair<std::string, std::string> place{type.plural, name};
  if (wanted == nullptr) {
    if (stored) {
      log::info("removing what stood behind a limit", {{"object", type.kind + "/" + name}});
      const Status removed = writer_->remove(type, {"", name}, {stored->meta.uid, ""}, stop);
      // Made anew meanwhile: the watch will tell.
      if (!removed && removed.error().code != ErrorCode::Conflict) return removed.error();
    }
    std::lock_guard lock(mutex_);
    accepted_.erase(place);
    return ok();
  }
  const std::size_t digest = std::hash<std::string>{}(wanted->dump());
  if (stored && has_labels(stored->meta, *wanted)) {
    if (stored->spec == wanted->at("spec")) return ok();
    std::lock_guard lock(mutex_);
    const auto accepted = accepted_.find(place);
    if (accepted != accepted_.end() && accepted->second == std::pair(stored->meta.resource_version, digest))
      return ok();
  }
  kube::WriteOptions force;
  force.force = true;
  BOOST_OUTCOME_TRY(written, writer_->patch(type, {"", name}, kube::PatchType::Apply, *wanted, stop, force));
  if (written.at("spec") != wanted->at("spec")) {
    // An apply leaves what others have put into lists that have keys. What is gone is owned by nobody.
    written["spec"] = wanted->at("spec");
    BOOST_OUTCOME_TRY(replaced, writer_->update(type, written, stop));
    written = std::move(replaced);
  }
  std::lock_guard lock(mutex_);
  if (written.at("spec") == wanted->at("spec")) {
    accepted_.erase(place);
  } else {
    accepted_[place] = {api::meta_from_json(written).resource_version, digest};
  }
  return ok();
}

Status BackstopReconciler::tell(const api::ScaleLimit& limit, Backstop backstop, const std::stop_token& stop) {
  // Nothing but this one field, so that it and the rest of the status, which the webhook writes, never meet.
  const json patch = {{"metadata", {{"uid", limit.meta.uid}}},
                      {"status", {{"backstop", backstop == Backstop::Active ? "Active" : "Inactive"}}}};
  const auto told = writer_->patch(kube::types::limit_type(limit.kind), limit.meta.key(), kube::PatchType::Merge, patch,
                                   stop, {.dry_run = false, .force = false, .subresource = "status"});
  if (!told && told.error().code != ErrorCode::NotFound) return told.error();
  return ok();
}

}  // namespace headroom::controllers
