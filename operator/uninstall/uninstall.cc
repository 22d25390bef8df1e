#include "operator/uninstall/uninstall.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "operator/api/object.h"
#include "operator/api/webhook_lease.h"
#include "operator/backstop/policy.h"
#include "operator/uninstall/putting_back.h"

namespace headroom::uninstall {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

const kube::ResourceType kRoleBinding{"rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true};
constexpr char kOperatorLease[] = "headroom-operator";

constexpr milliseconds kBetweenLooks{500};
/// A webhook that still lives looks every two seconds whether its configuration is there.
constexpr std::chrono::seconds kStaysAway{5};
/// Longer than a Lease is renewed for; for Leases that do not say their length.
constexpr int kLongestLease = 15;

class Uninstaller {
 public:
  Uninstaller(kube::Client& client, const UninstallOptions& options, const UninstallHooks& hooks,
              const std::stop_token& stop)
      : client_(client),
        options_(options),
        hooks_(hooks),
        stop_(stop),
        until_(hooks.clock.steady_now() + absl::ToChronoMilliseconds(options.timeout)) {}

  Status run() {
    if (options_.sizes == Sizes::Restore) {
      BOOST_OUTCOME_TRYV(put_back());
    }
    BOOST_OUTCOME_TRYV(end_programs());
    BOOST_OUTCOME_TRYV(remove_webhook_configuration());
    BOOST_OUTCOME_TRYV(await_end_of_operator());
    const std::string behind_limits = absl::StrCat(backstop::kComponentLabel, "=", backstop::kComponent);
    BOOST_OUTCOME_TRYV(remove_all(kube::types::kValidatingAdmissionPolicyBinding, "", behind_limits));
    BOOST_OUTCOME_TRYV(remove_all(kube::types::kValidatingAdmissionPolicy, "", behind_limits));
    BOOST_OUTCOME_TRYV(release(kube::types::kFestivalSchedule));
    BOOST_OUTCOME_TRYV(release(kube::types::kScaleTarget));
    BOOST_OUTCOME_TRYV(release(kube::types::kRegion));
    BOOST_OUTCOME_TRYV(silence_webhooks());
    BOOST_OUTCOME_TRYV(remove_all(kube::types::kLimitLedger, options_.own_namespace, ""));
    BOOST_OUTCOME_TRYV(remove_all(kube::types::kLease, options_.own_namespace,
                                  absl::StrCat(api::kWebhookLeaseLabel, "=", api::kWebhookLeaseComponent)));
    for (const char* name : {api::kWebhookStatusLease, kOperatorLease}) {
      BOOST_OUTCOME_TRYV(client_.remove(kube::types::kLease, {options_.own_namespace, name}, {}, stop_));
    }
    return ok();
  }

 private:
  /// Waits a little; false when the time is up.
  bool again() {
    if (stop_.stop_requested() || hooks_.clock.steady_now() >= until_) return false;
    hooks_.let_pass(kBetweenLooks);
    return true;
  }

  /// Of a kind that is not defined (any more) there are none.
  Result<std::vector<json>> list_all(const kube::ResourceType& type, const std::string& ns,
                                     const std::string& selector = "") {
    std::vector<json> all;
    kube::ListOptions options;
    options.label_selector = selector;
    do {
      auto page = client_.list(type, ns, options, stop_);
      if (!page && page.error().code == ErrorCode::NotFound) return all;
      if (!page) return with_context(page.error(), absl::StrCat("listing ", type.to_string()));
      for (json& item : page.value().items) all.push_back(std::move(item));
      options.continue_token = page.value().continue_token;
    } while (!options.continue_token.empty());
    return all;
  }

  Status remove_all(const kube::ResourceType& type, const std::string& ns, const std::string& selector) {
    BOOST_OUTCOME_TRY(objects, list_all(type, ns, selector));
    for (const json& object : objects) {
      const api::ObjectMeta meta = api::meta_from_json(object);
      const Status removed = client_.remove(type, meta.key(), {meta.uid, ""}, stop_);
      if (!removed && removed.error().code != ErrorCode::Conflict) {
        return with_context(removed.error(), absl::StrCat("removing ", type.kind, " ", meta.key().to_string()));
      }
    }
    if (!objects.empty()) hooks_.say(absl::StrCat("removed ", objects.size(), " of ", type.to_string()));
    return ok();
  }

  /// Patches each object as `patch_of` says (null: not at all), once more from its newer state where it has changed.
  Status patch_each(const kube::ResourceType& type, const std::function<json(const json&)>& patch_of) {
    BOOST_OUTCOME_TRY(objects, list_all(type, ""));
    for (json object : objects) {
      const api::ObjectKey key = api::meta_from_json(object).key();
      for (json patch = patch_of(object); !patch.is_null(); patch = patch_of(object)) {
        patch["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"];
        const auto patched = client_.patch(type, key, kube::PatchType::Merge, patch, stop_);
        if (patched || patched.error().code == ErrorCode::NotFound) break;
        if (patched.error().code != ErrorCode::Conflict || !again()) {
          return with_context(patched.error(), absl::StrCat("patching ", type.kind, " ", key.to_string()));
        }
        auto newer = client_.get(type, key, stop_);
        if (!newer && newer.error().code == ErrorCode::NotFound) break;
        if (!newer) return newer.error();
        object = std::move(newer).value();
      }
    }
    return ok();
  }

  Status put_back() {
    BOOST_OUTCOME_TRYV(patch_each(kube::types::kFestivalSchedule, suspending_patch));
    BOOST_OUTCOME_TRYV(patch_each(kube::types::kScaleTarget, suspending_patch));
    hooks_.say("sizes are being put back");
    while (true) {
      std::vector<std::string> waiting;
      BOOST_OUTCOME_TRY(targets, list_all(kube::types::kScaleTarget, ""));
      for (const json& target : targets) {
        if (auto problem = not_put_back(target)) waiting.push_back(std::move(*problem));
      }
      BOOST_OUTCOME_TRY(schedules, list_all(kube::types::kFestivalSchedule, ""));
      for (const json& schedule : schedules) {
        if (auto problem = not_put_back(schedule)) waiting.push_back(std::move(*problem));
      }
      if (waiting.empty()) break;
      if (again()) continue;
      const std::size_t count = waiting.size();
      constexpr std::size_t kMostNamed = 5;
      waiting.resize(std::min(count, kMostNamed));
      return Error{
          ErrorCode::Timeout,
          absl::StrCat(count, " could not be put back: ", absl::StrJoin(waiting, "; "), count > kMostNamed ? "; …" : "",
                       ". Nothing has been removed: mend it and uninstall again, or leave sizes as they are "
                       "with --sizes=Keep"),
          0,
          {}};
    }
    hooks_.say("sizes are put back");
    return ok();
  }

  Status end_programs() {
    for (const std::string& name : {options_.webhook_name, options_.operator_name}) {
      if (name.empty()) continue;
      const api::ObjectKey key{options_.own_namespace, name};
      BOOST_OUTCOME_TRYV(client_.remove(kube::types::kDeployment, key, {}, stop_));
      hooks_.say(absl::StrCat("ended Deployment ", key.to_string()));
    }
    if (options_.webhook_name.empty()) return ok();
    // A webhook that drains would make its configuration anew, were it allowed to.
    return unbind(kube::types::kClusterRoleBinding, "");
  }

  /// One that drains would make its Lease and its ledgers anew; nobody asks it any more.
  Status silence_webhooks() {
    if (options_.webhook_name.empty()) return ok();
    return unbind(kRoleBinding, options_.own_namespace);
  }

  /// The webhook's rights, where these are ours to take.
  Status unbind(const kube::ResourceType& type, const std::string& ns) {
    Status removed = client_.remove(type, {ns, options_.webhook_name}, {}, stop_);
    if (!removed && removed.error().code != ErrorCode::Forbidden) return removed;
    return ok();
  }

  Status remove_webhook_configuration() {
    if (options_.webhook_configuration.empty()) return ok();
    const api::ObjectKey key{"", options_.webhook_configuration};
    auto away_since = hooks_.clock.steady_now();
    BOOST_OUTCOME_TRYV(client_.remove(kube::types::kValidatingWebhookConfiguration, key, {}, stop_));
    hooks_.say(absl::StrCat("removed ValidatingWebhookConfiguration ", key.name));
    while (hooks_.clock.steady_now() - away_since < kStaysAway) {
      if (!again()) {
        return Error{ErrorCode::Timeout,
                     absl::StrCat("ValidatingWebhookConfiguration ", key.name,
                                  " comes back when it is removed: end what makes it, then uninstall again"),
                     0,
                     {}};
      }
      const auto stored = client_.get(kube::types::kValidatingWebhookConfiguration, key, stop_);
      if (!stored && stored.error().code == ErrorCode::NotFound) continue;
      if (!stored) return stored.error();
      BOOST_OUTCOME_TRYV(client_.remove(kube::types::kValidatingWebhookConfiguration, key, {}, stop_));
      away_since = hooks_.clock.steady_now();
    }
    return ok();
  }

  /// It would put finalizers on again. Its Lease is given back at an orderly end, and not renewed after another one.
  Status await_end_of_operator() {
    std::string renewed;
    auto since = hooks_.clock.steady_now();
    while (true) {
      const auto lease = client_.get(kube::types::kLease, {options_.own_namespace, kOperatorLease}, stop_);
      if (!lease && lease.error().code == ErrorCode::NotFound) return ok();
      if (!lease) return lease.error();
      const json spec = lease.value().value("spec", json::object());
      const std::string holder = spec.value("holderIdentity", "");
      if (holder.empty()) return ok();
      const std::string now_renewed = absl::StrCat(holder, " ", spec.value("renewTime", ""));
      if (std::exchange(renewed, now_renewed) != now_renewed) since = hooks_.clock.steady_now();
      const std::chrono::seconds life(spec.value("leaseDurationSeconds", kLongestLease) + 1);
      if (hooks_.clock.steady_now() - since >= life) return ok();
      if (!again()) {
        return Error{ErrorCode::Timeout,
                     absl::StrCat("an operator still renews Lease ", options_.own_namespace, "/", kOperatorLease,
                                  ": end it, then uninstall again"),
                     0,
                     {}};
      }
    }
  }

  Status release(const kube::ResourceType& type) {
    int released = 0;
    BOOST_OUTCOME_TRYV(patch_each(type, [&](const json& object) {
      json patch = releasing_patch(object);
      if (!patch.is_null()) ++released;
      return patch;
    }));
    if (released > 0) hooks_.say(absl::StrCat("released ", released, " of ", type.to_string()));
    return ok();
  }

  kube::Client& client_;
  const UninstallOptions& options_;
  const UninstallHooks& hooks_;
  const std::stop_token& stop_;
  const SteadyTime until_;
};

}  // namespace

Status uninstall(kube::Client& client, const UninstallOptions& options, const UninstallHooks& hooks,
                 const std::stop_token& stop) {
  return Uninstaller(client, options, hooks, stop).run();
}

}  // namespace headroom::uninstall
