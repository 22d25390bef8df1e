#include "operator/controllers/backstop_control.h"

#include <absl/strings/str_cat.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "operator/api/webhook_lease.h"
#include "operator/backstop/excluded_namespaces.h"
#include "operator/backstop/policy.h"
#include "operator/base/log.h"
#include "operator/controllers/backstop_reconciler.h"
#include "operator/controllers/limit_alerts.h"
#include "operator/controllers/webhook_lives.h"
#include "operator/runtime/reflector.h"

namespace headroom::controllers {
namespace {

using api::LimitKind;
using runtime::Priority;
using runtime::WorkKey;
using std::chrono::milliseconds;

constexpr char kWebhooks[] = "webhooks";

std::string webhook_leases() { return absl::StrCat(api::kWebhookLeaseLabel, "=", api::kWebhookLeaseComponent); }

WorkKey limit_key(LimitKind kind, const api::ObjectKey& key) { return {api::to_string(kind), key}; }

}  // namespace

struct BackstopControl::Impl {
  Impl(const OperatorOptions& options_in, const std::shared_ptr<kube::Client>& home_in, Notifier& notifier_in,
       const Clock& clock_in, runtime::Metrics& metrics_in, std::uint64_t seed_in)
      : options(options_in),
        home(home_in),
        notifier(notifier_in),
        clock(clock_in),
        metrics(metrics_in),
        seed(seed_in),
        lives(clock_in) {}

  using Refused = std::pair<LimitKind, api::ObjectKey>;
  /// What of a limit is acted on: uid, generation, whether the backstop is active, whom it tells.
  using Face =
      std::tuple<std::string, std::int64_t, api::ScaleLimitStatus::Backstop, std::optional<std::vector<Alert>>>;

  const OperatorOptions& options;
  const std::shared_ptr<kube::Client> home;
  Notifier& notifier;
  const Clock& clock;
  runtime::Metrics& metrics;
  std::uint64_t seed;

  WebhookLives lives;
  std::shared_ptr<runtime::Store<api::ScaleLimit>> limits = std::make_shared<runtime::Store<api::ScaleLimit>>();
  std::shared_ptr<runtime::Store<api::ScaleLimit>> cluster_limits = std::make_shared<runtime::Store<api::ScaleLimit>>();
  std::shared_ptr<runtime::Store<StoredPolicy>> policies = std::make_shared<runtime::Store<StoredPolicy>>();
  std::shared_ptr<runtime::Store<StoredPolicy>> bindings = std::make_shared<runtime::Store<StoredPolicy>>();
  std::mutex mutex;
  std::set<Refused> refused;  ///< under the mutex
  enum class Need { Unknown, No, Yes };
  std::atomic<Need> need{Need::Unknown};

  std::unique_ptr<BackstopReconciler> reconciler;
  std::unique_ptr<runtime::Controller> controller;
  std::vector<std::unique_ptr<runtime::Reflector>> reflectors;
  std::vector<kube::ResourceType> watched;  ///< by them

  void build();
  void watch_limits(LimitKind kind, const std::shared_ptr<runtime::Store<api::ScaleLimit>>& store);
  void watch_policies(const kube::ResourceType& type, const std::shared_ptr<runtime::Store<StoredPolicy>>& store);
  void watch_leases();
  bool synced() const {
    return limits->synced() && cluster_limits->synced() && policies->synced() && bindings->synced();
  }
  void touch_all(Priority priority);
  Result<runtime::ReconcileResult> reconcile(const WorkKey& key, const std::stop_token& stop);
  Status read_leases(const std::stop_token& stop);
  Result<runtime::ReconcileResult> look_at_webhooks(const std::stop_token& stop);
};

void BackstopControl::Impl::watch_limits(LimitKind kind,
                                         const std::shared_ptr<runtime::Store<api::ScaleLimit>>& store) {
  const auto decode = kind == LimitKind::ScaleLimit ? api::scale_limit_from_json : api::cluster_scale_limit_from_json;
  auto sink = runtime::store_sink<api::ScaleLimit>(
      store, decode,
      [this, kind](const runtime::RefusedObject& one) {
        log::error(
            absl::StrCat("object cannot be read; ", one.consequence()),
            {{"object", absl::StrCat(api::to_string(kind), "/", one.key.to_string())}, {"error", one.error.message}});
        std::lock_guard lock(mutex);
        refused.emplace(kind, one.key);
      },
      [this, kind](const api::ObjectKey& key) {
        std::lock_guard lock(mutex);
        refused.erase({kind, key});
      });
  runtime::ReflectorOptions watch;
  watch.type = kube::types::limit_type(kind);
  if (watch.type.namespaced) watch.ns = options.watch_namespace;
  watched.push_back(watch.type);
  // Most changes are figures in statuses.
  auto changed = [this, kind, store, faces = std::map<api::ObjectKey, Face>()](const api::ObjectKey& key) mutable {
    const auto limit = store->get(key);
    if (!limit) {
      faces.erase(key);
    } else {
      Face face{limit->meta.uid, limit->meta.generation, limit->status.backstop, limit_alerts(*limit)};
      const auto [known, added] = faces.try_emplace(key, face);
      if (!added && std::exchange(known->second, face) == face) return;
    }
    controller->queue().add(limit_key(kind, key));
  };
  reflectors.push_back(
      std::make_unique<runtime::Reflector>(home, std::move(watch), std::move(sink), std::move(changed), clock, ++seed));
}

void BackstopControl::Impl::watch_policies(const kube::ResourceType& type,
                                           const std::shared_ptr<runtime::Store<StoredPolicy>>& store) {
  runtime::ReflectorOptions watch;
  watch.type = type;
  watch.label_selector = absl::StrCat(backstop::kComponentLabel, "=", backstop::kComponent);
  watched.push_back(watch.type);
  reflectors.push_back(std::make_unique<runtime::Reflector>(
      home, std::move(watch), runtime::store_sink<StoredPolicy>(store, stored_policy_from_json),
      [this](const api::ObjectKey& key) {
        const auto limit = backstop::limit_of_policy(key.name);
        if (limit) controller->queue().add(limit_key(limit->kind, limit->key));
      },
      clock, ++seed));
}

void BackstopControl::Impl::watch_leases() {
  runtime::ReflectorOptions watch;
  watch.type = kube::types::kLease;
  watch.ns = options.own_namespace;
  watch.label_selector = webhook_leases();
  watched.push_back(watch.type);
  reflectors.push_back(std::make_unique<runtime::Reflector>(
      home, std::move(watch), lives.sink(),
      [this](const api::ObjectKey&) {
        controller->queue().add({kWebhooks, {}});
      },
      clock, ++seed));
}

void BackstopControl::Impl::touch_all(Priority priority) {
  for (const auto& limit : limits->list()) controller->queue().add(limit_key(limit->kind, limit->meta.key()), priority);
  for (const auto& limit : cluster_limits->list()) {
    controller->queue().add(limit_key(limit->kind, limit->meta.key()), priority);
  }
}

Status BackstopControl::Impl::read_leases(const std::stop_token& stop) {
  kube::ListOptions of_webhooks;
  of_webhooks.label_selector = webhook_leases();
  BOOST_OUTCOME_TRY(page, home->list(kube::types::kLease, options.own_namespace, of_webhooks, stop));
  for (const nlohmann::json& lease : page.items) lives.read(lease);
  return ok();
}

Result<runtime::ReconcileResult> BackstopControl::Impl::look_at_webhooks(const std::stop_token& stop) {
  if (need != Need::Yes && lives.alive_until() <= clock.steady_now()) {
    // A connection may be dead for minutes before a watch says so.
    BOOST_OUTCOME_TRYV(read_leases(stop));
  }
  const SteadyTime now = clock.steady_now(), until = lives.alive_until();
  const bool dead = until <= now;
  metrics.set("headroom_backstop_active", "1 while policies pause and halt writes, as no webhook is alive", {}, dead);
  const Need now_needed = dead ? Need::Yes : lives.known() ? Need::No : need.load();
  const Need before = need.exchange(now_needed);
  if (before != now_needed) {
    if (dead) {
      log::warning(
          "no webhook replica is alive: policies pause and halt in its place, and writes that limits count fail");
    } else if (before == Need::Yes) {
      log::info("a webhook replica is alive: policies leave pausing and halting to it");
    }
    touch_all(Priority::High);
  }
  runtime::ReconcileResult result;
  if (!dead) result.requeue_after = std::chrono::duration_cast<milliseconds>(until - now) + milliseconds(1);
  return result;
}

Result<runtime::ReconcileResult> BackstopControl::Impl::reconcile(const WorkKey& key, const std::stop_token& stop) {
  if (key.kind == kWebhooks) return look_at_webhooks(stop);
  const LimitKind kind =
      key.kind == api::to_string(LimitKind::ScaleLimit) ? LimitKind::ScaleLimit : LimitKind::ClusterScaleLimit;
  const auto limit = (kind == LimitKind::ScaleLimit ? limits : cluster_limits)->get(key.object);
  auto alerts = limit ? limit_alerts(*limit) : std::optional(std::vector<Alert>());
  if (alerts) notifier.set_active(alert_owner(kind, key.object), *std::move(alerts));
  return reconciler->reconcile(key, stop);
}

void BackstopControl::Impl::build() {
  BackstopSources sources{limits,
                          cluster_limits,
                          policies,
                          bindings,
                          [this](LimitKind kind, const api::ObjectKey& key) {
                            std::lock_guard lock(mutex);
                            return refused.contains({kind, key});
                          },
                          [this]() -> std::optional<bool> {
                            const Need now = need;
                            return now == Need::Unknown ? std::nullopt : std::optional(now == Need::Yes);
                          }};
  reconciler = std::make_unique<BackstopReconciler>(
      home, std::move(sources), backstop::excluded_namespaces(options.own_namespace), options.watch_namespace);
  controller = std::make_unique<runtime::Controller>(
      runtime::ControllerOptions{.name = "backstop", .workers = 2},
      [this](const WorkKey& key, const std::string&, const std::stop_token& stop) { return reconcile(key, stop); },
      [this] { return synced(); }, clock, metrics, ++seed);
  watch_limits(LimitKind::ScaleLimit, limits);
  watch_limits(LimitKind::ClusterScaleLimit, cluster_limits);
  watch_policies(kube::types::kValidatingAdmissionPolicy, policies);
  watch_policies(kube::types::kValidatingAdmissionPolicyBinding, bindings);
  watch_leases();
}

BackstopControl::BackstopControl(const OperatorOptions& options, const std::shared_ptr<kube::Client>& home,
                                 Notifier& notifier, const Clock& clock, runtime::Metrics& metrics, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(options, home, notifier, clock, metrics, seed)) {
  impl_->build();
}

BackstopControl::~BackstopControl() {
  stop(milliseconds(0));
  stop_watches();
}

void BackstopControl::start_watches() {
  for (const auto& reflector : impl_->reflectors) reflector->start();
}

void BackstopControl::stop_watches() {
  for (const auto& reflector : impl_->reflectors) reflector->request_stop();
  for (const auto& reflector : impl_->reflectors) reflector->join();
}

void BackstopControl::report(runtime::WatchHealths& healths) const {
  for (std::size_t i = 0; i < impl_->reflectors.size(); ++i) {
    healths.add(impl_->watched[i].to_string(), impl_->reflectors[i]->health());
  }
}

void BackstopControl::lead() {
  impl_->lives.begin_anew();
  impl_->need = Impl::Need::Unknown;
  impl_->controller->start();
  impl_->touch_all(Priority::Low);
  for (const auto& policy : impl_->policies->list()) {
    const auto limit = backstop::limit_of_policy(policy->meta.name);
    if (limit) impl_->controller->queue().add(limit_key(limit->kind, limit->key), Priority::Low);
  }
  impl_->controller->queue().add({kWebhooks, {}});
}

void BackstopControl::stop(milliseconds drain) { impl_->controller->stop(drain); }

}  // namespace headroom::controllers
