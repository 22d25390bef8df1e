// headroom uninstall: what has to go before Headroom's programs and rights go, in an order in which nothing is blocked.
// The chart runs it before it is uninstalled. It can be run again where it was broken off.
#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>
#include <thread>

#include "operator/api/scale_target.h"
#include "operator/api/webhook_lease.h"
#include "operator/base/duration.h"
#include "operator/cli/cluster.h"
#include "operator/cli/command.h"
#include "operator/cli/confirmation.h"
#include "operator/cli/own_types.h"
#include "operator/cli/status_report.h"
#include "operator/kube/client.h"

namespace headroom::cli {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kPause{200};
/// Keeps what a person had set, so that a second run still knows it.
constexpr char kFormerSuspend[] = "headroom.dev/suspend-before-uninstall";
constexpr char kBackstopPolicies[] = "headroom.dev/component=backstop";
constexpr int kMostConflicts = 10;

struct UninstallFlags {
  std::string sizes = "Keep", timeout = "120s", operator_name = "headroom-operator", webhook_name = "headroom-webhook",
              configuration = "headroom", lease = "headroom-operator", system_namespace = "headroom-system";
  bool yes = false;
};

class Uninstall {
 public:
  Uninstall(const UninstallFlags& flags, const Connection& connection, Console& console, absl::Duration timeout)
      : flags_(flags),
        client_(*connection.client),
        console_(console),
        deadline_(std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(timeout)) {}

  Status run() {
    if (flags_.sizes == "Restore") {
      BOOST_OUTCOME_TRYV(restore());
    }
    BOOST_OUTCOME_TRYV(remove_webhook_configuration());
    BOOST_OUTCOME_TRYV(end_programs());
    // Only now: a webhook that still lived would have made them anew.
    BOOST_OUTCOME_TRYV(remove_if_there(types::kWebhookConfiguration, flags_.configuration));
    BOOST_OUTCOME_TRYV(remove_policies());
    for (const kube::ResourceType* type :
         {&kube::types::kFestivalSchedule, &kube::types::kScaleTarget, &kube::types::kRegion}) {
      BOOST_OUTCOME_TRYV(free_all(*type));
    }
    return remove_records();
  }

 private:
  bool has_time() const { return std::chrono::steady_clock::now() < deadline_; }
  void say(const std::string& text) const { console_.out << text << std::endl; }

  Result<std::vector<api::ScaleTarget>> targets() {
    BOOST_OUTCOME_TRY(objects, list_if_served(client_, kube::types::kScaleTarget, ""));
    std::vector<api::ScaleTarget> all;
    for (const json& object : objects) {
      Result<api::ScaleTarget> one = api::scale_target_from_json(object);
      if (one) all.push_back(std::move(one).value());
    }
    return all;
  }

  /// The operator puts back; it knows how, and has the rights in every region.
  Status restore() {
    BOOST_OUTCOME_TRY(all, targets());
    int asked = 0;
    for (const api::ScaleTarget& target : all) {
      if (target.spec.suspend == api::SuspendMode::Restore) continue;
      const json patch = {
          {"metadata",
           {{"annotations", {{kFormerSuspend, target.spec.suspend == api::SuspendMode::Hold ? "Hold" : "None"}}}}},
          {"spec", {{"suspend", "Restore"}}}};
      BOOST_OUTCOME_TRYV(change(kube::types::kScaleTarget, target.meta.key(), patch));
      ++asked;
    }
    say("asked for the original sizes of " + std::to_string(asked) + " targets");
    std::string waits;
    do {
      BOOST_OUTCOME_TRY(now, targets());
      waits.clear();
      std::size_t open = 0;
      for (const api::ScaleTarget& target : now) {
        const bool back = !target.status.in_force && target.status.observed_generation >= target.meta.generation;
        const bool writes = target.spec.engine.type != api::EngineType::Advise && target.status.originals.has_value();
        if (back || !writes) continue;
        if (++open <= 3) waits += (waits.empty() ? "" : ", ") + target.meta.key().to_string();
      }
      if (waits.empty()) {
        say("sizes are back");
        return ok();
      }
      std::this_thread::sleep_for(kPause);
    } while (has_time());
    return Error{ErrorCode::Timeout,
                 "sizes are not back in time: " + waits +
                     "; nothing is removed yet: see why in their status, or uninstall with sizes Keep",
                 0,
                 {}};
  }

  Status remove_webhook_configuration() {
    // Without its right to make them a webhook that is about to end cannot bring its entries back.
    BOOST_OUTCOME_TRYV(remove_if_there(types::kClusterRoleBinding, flags_.webhook_name));
    return remove_if_there(types::kWebhookConfiguration, flags_.configuration);
  }

  /// Rights that are narrower than an administrator's may not reach what is not there.
  Status remove_if_there(const kube::ResourceType& type, const std::string& name, const std::string& ns = "") {
    if (name.empty()) return ok();
    const Status removed = client_.remove(type, {ns, name}, {}, {});
    if (removed) {
      say("removed " + type.kind + " " + name);
    } else if (removed.error().code == ErrorCode::Forbidden) {
      say("left alone, without the right to remove it: " + type.kind + " " + name);
    } else {
      return removed.error();
    }
    return ok();
  }

  Status end_programs() {
    BOOST_OUTCOME_TRYV(remove_if_there(kube::types::kDeployment, flags_.operator_name, flags_.system_namespace));
    BOOST_OUTCOME_TRYV(remove_if_there(kube::types::kDeployment, flags_.webhook_name, flags_.system_namespace));
    // An operator that lives would take its finalizers anew.
    std::string living;
    do {
      BOOST_OUTCOME_TRY(leases, list_all(client_, kube::types::kLease, flags_.system_namespace));
      living.clear();
      for (const json& object : leases) {
        const api::ObjectMeta meta = api::meta_from_json(object);
        const auto component = meta.labels.find(api::kWebhookLeaseLabel);
        const bool ours = meta.name == flags_.lease ||
                          (component != meta.labels.end() && component->second == api::kWebhookLeaseComponent);
        if (ours && lease_of(object).alive(console_.now())) living = meta.name;
      }
      if (living.empty()) return ok();
      std::this_thread::sleep_for(kPause);
    } while (has_time());
    return Error{ErrorCode::Timeout,
                 "the Lease " + living + " is still renewed: a program of Headroom runs that is not " +
                     flags_.operator_name + " or " + flags_.webhook_name + "; stop it first",
                 0,
                 {}};
  }

  Status remove_policies() {
    for (const kube::ResourceType* type : {&types::kPolicyBinding, &types::kPolicy}) {
      kube::ListOptions options;
      options.label_selector = kBackstopPolicies;
      Result<kube::ListPage> page = client_.list(*type, "", options, {});
      if (!page && page.error().code == ErrorCode::NotFound) continue;
      if (!page) return page.error();
      for (const json& object : page.value().items) {
        BOOST_OUTCOME_TRYV(remove_if_there(*type, api::meta_from_json(object).name));
      }
    }
    return ok();
  }

  /// Takes our finalizer, and gives back what `spec.suspend` was.
  Status free_all(const kube::ResourceType& type) {
    BOOST_OUTCOME_TRY(objects, list_if_served(client_, type, ""));
    int freed = 0;
    for (const json& object : objects) {
      const api::ObjectMeta meta = api::meta_from_json(object);
      const auto former = meta.annotations.find(kFormerSuspend);
      if (!meta.has_finalizer(api::kFinalizer) && former == meta.annotations.end()) continue;
      BOOST_OUTCOME_TRYV(free(type, meta.key()));
      ++freed;
    }
    if (freed > 0) say("freed " + std::to_string(freed) + " of " + type.to_string());
    return ok();
  }

  Status free(const kube::ResourceType& type, const api::ObjectKey& key) {
    for (int attempt = 0; attempt < kMostConflicts; ++attempt) {
      const Result<json> object = client_.get(type, key, {});
      if (!object && object.error().code == ErrorCode::NotFound) return ok();
      if (!object) return object.error();
      const api::ObjectMeta meta = api::meta_from_json(object.value());
      std::vector<std::string> finalizers = meta.finalizers;
      std::erase(finalizers, api::kFinalizer);
      json patch = {{"metadata", {{"resourceVersion", meta.resource_version}, {"finalizers", finalizers}}}};
      // Of an object that is going the spec is nobody's business any more.
      if (const auto former = meta.annotations.find(kFormerSuspend);
          former != meta.annotations.end() && !meta.deleted) {
        patch["metadata"]["annotations"][kFormerSuspend] = nullptr;
        patch["spec"]["suspend"] = former->second;
      }
      const Status written = change(type, key, patch);
      if (written || written.error().code == ErrorCode::NotFound) return ok();
      if (written.error().code != ErrorCode::Conflict) return written;
    }
    return Error{
        ErrorCode::Conflict, type.kind + " " + key.to_string() + " is changed all the time by somebody", 0, {}};
  }

  Status change(const kube::ResourceType& type, const api::ObjectKey& key, const json& patch) {
    kube::WriteOptions options;
    options.field_manager = kToolManager;
    const Result<json> stored = client_.patch(type, key, kube::PatchType::Merge, patch, {}, options);
    if (!stored) return stored.error();
    return ok();
  }

  Status remove_records() {
    BOOST_OUTCOME_TRY(ledgers, list_if_served(client_, types::kLimitLedger, flags_.system_namespace));
    for (const json& object : ledgers) {
      BOOST_OUTCOME_TRYV(client_.remove(types::kLimitLedger, api::meta_from_json(object).key(), {}, {}));
    }
    if (!ledgers.empty()) say("removed " + std::to_string(ledgers.size()) + " ledgers");
    return ok();
  }

  const UninstallFlags& flags_;
  kube::Client& client_;
  Console& console_;
  std::chrono::steady_clock::time_point deadline_;
};

Result<ExitCode> run(UninstallFlags flags, const Context& context) {
  BOOST_OUTCOME_TRY(timeout, parse_duration(flags.timeout));
  // The chart names the namespace of its release.
  if (!context.flags.ns.empty()) flags.system_namespace = context.flags.ns;
  BOOST_OUTCOME_TRY(connection, connect(context));
  const std::string effect = flags.sizes == "Restore" ? "sizes are put back" : "sizes stay as they are";
  BOOST_OUTCOME_TRY(yes, confirmed(context.console,
                                   "end Headroom in namespace " + flags.system_namespace + " of " +
                                       connection.config.server + " (" + effect + ")?",
                                   flags.yes));
  if (!yes) {
    context.console.errors << "nothing is changed\n";
    return ExitCode::Attention;
  }
  BOOST_OUTCOME_TRYV(Uninstall(flags, connection, context.console, timeout).run());
  return ExitCode::Fine;
}

}  // namespace

Command uninstall_command() {
  return {"uninstall", "Remove what would block others once Headroom is gone", [](CLI::App& app) -> Run {
            auto flags = std::make_shared<UninstallFlags>();
            app.add_option("--sizes", flags->sizes, "Keep: as they are; Restore: the originals first")
                ->capture_default_str()
                ->check(CLI::IsMember({"Keep", "Restore"}));
            app.add_option("--timeout", flags->timeout, "for each of the waits together")->capture_default_str();
            app.add_option("--operator", flags->operator_name, "Deployment of the operator")->capture_default_str();
            app.add_option("--webhook", flags->webhook_name, "Deployment and ClusterRoleBinding of the webhook")
                ->capture_default_str();
            app.add_option("--webhook-configuration", flags->configuration,
                           "name of the ValidatingWebhookConfiguration")
                ->capture_default_str();
            app.add_option("--lease", flags->lease, "the operator's Lease")->capture_default_str();
            app.add_flag("-y,--yes", flags->yes, "do not ask");
            return [flags](const Context& context) { return run(*flags, context); };
          }};
}

}  // namespace headroom::cli
