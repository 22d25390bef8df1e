#include "operator/app/operator.h"

#include <absl/strings/str_cat.h>

#include <atomic>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "operator/base/log.h"
#include "operator/base/random_seed.h"
#include "operator/controllers/backstop_control.h"
#include "operator/controllers/calendar_watch.h"
#include "operator/controllers/constraint_watch.h"
#include "operator/controllers/notifier.h"
#include "operator/controllers/object_metrics.h"
#include "operator/controllers/planner.h"
#include "operator/controllers/region_reconciler.h"
#include "operator/controllers/schedule_reconciler.h"
#include "operator/controllers/target_reconciler.h"
#include "operator/controllers/world.h"
#include "operator/kube/cpprest_transport.h"
#include "operator/monitoring/query_pool.h"
#include "operator/runtime/controller.h"
#include "operator/runtime/leader_election.h"
#include "operator/runtime/manager.h"
#include "operator/runtime/process_metrics.h"
#include "operator/runtime/reflector.h"
#include "operator/runtime/status_metrics.h"
#include "operator/runtime/unreadable_objects.h"
#include "operator/status/health_endpoints.h"
#include "operator/status/metrics_server.h"

namespace headroom::app {
namespace {

using controllers::BackstopControl;
using controllers::CalendarWatch;
using controllers::Cluster;
using controllers::ConstraintWatch;
using controllers::kScaleWork;
using controllers::Notifier;
using controllers::OperatorOptions;
using controllers::Planner;
using controllers::PlannerListeners;
using controllers::PlannerSources;
using controllers::RegionReconciler;
using controllers::ScheduleReconciler;
using controllers::TargetReconciler;
using controllers::World;
using runtime::Priority;
using runtime::WorkKey;

constexpr char kSyncWork[] = "sync";

/// `https://host:port/…` → `host:port`, the label client-go uses.
std::string host_of(const std::string& server) {
  const std::size_t scheme = server.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  return server.substr(begin, server.find('/', begin) - begin);
}

/// What people change of an object: everything but its status.
std::size_t face_of(const api::ObjectMeta& meta) {
  std::string face = absl::StrCat(meta.uid, "/", meta.generation, "/", meta.deleted.has_value());
  for (const auto& finalizer : meta.finalizers) absl::StrAppend(&face, "|", finalizer);
  for (const auto* map : {&meta.labels, &meta.annotations}) {
    for (const auto& [key, value] : *map) absl::StrAppend(&face, "|", key, "=", value);
  }
  return std::hash<std::string>{}(face);
}

}  // namespace

struct Operator::Impl {
  Impl(OperatorOptions options_in, kube::ClusterConfig home_in, const Clock& clock_in)
      : options(std::move(options_in)), home_config(std::move(home_in)), clock(clock_in), manager(clock_in) {}

  OperatorOptions options;
  kube::ClusterConfig home_config;
  const Clock& clock;
  runtime::Metrics metrics;
  const std::shared_ptr<void> process_metrics = runtime::export_process_metrics(metrics);
  const std::shared_ptr<void> clock_metric = metrics.before_serialize([this] {
    metrics.set("headroom_clock_timestamp_seconds", "The wall clock that plans are made by", {},
                absl::ToDoubleSeconds(clock.wall_now() - absl::UnixEpoch()));
  });

  std::shared_ptr<kube::Client> home, election_client;
  std::unique_ptr<runtime::LeaderElector> elector;
  std::unique_ptr<runtime::ApiEventRecorder> events;
  std::unique_ptr<runtime::UnreadableObjects> unreadable;
  std::unique_ptr<World> world;

  std::vector<std::unique_ptr<runtime::Reflector>> reflectors;
  std::vector<kube::ResourceType> watched;  ///< by them
  std::unique_ptr<monitoring::QueryPool> queries;
  std::unique_ptr<CalendarWatch> calendars;
  std::unique_ptr<ConstraintWatch> constraints;
  std::unique_ptr<Notifier> notifier;
  std::unique_ptr<Planner> planner;
  std::unique_ptr<TargetReconciler> target_reconciler;
  std::unique_ptr<ScheduleReconciler> schedule_reconciler;
  std::unique_ptr<RegionReconciler> region_reconciler;
  std::unique_ptr<runtime::Controller> targets, schedules, regions;
  std::unique_ptr<BackstopControl> backstop;
  std::unique_ptr<net::HttpServer> server;
  std::unique_ptr<status::MetricsServer> metrics_server;

  runtime::Manager manager;
  std::atomic<bool> leading{false}, started{false};
  const SteadyTime born = clock.steady_now();

  Result<std::shared_ptr<kube::Client>> make_client(const kube::ClusterConfig& config,
                                                    const kube::ClientLimits& limits);
  Result<std::shared_ptr<kube::Client>> make_gated_client(const kube::ClusterConfig& config);
  Status build();
  void add_components();
  void expose(runtime::Exposition& scrape) const;
  Status start_server();
  void stop_caches();
  template <class T>
  void watch(const kube::ResourceType& type, std::shared_ptr<runtime::Store<T>> store,
             Result<T> (*decode)(const nlohmann::json&), std::function<void(const api::ObjectKey&)> changed,
             std::function<void(const api::ObjectMeta&)> shown = {});
  Result<std::shared_ptr<Cluster>> open_cluster(const std::string& region, const std::string& kubeconfig);
  void object_changed(const api::ObjectKey& key);
  void lead();
  void lost_lease();
  Status may_write() const;
  bool caches_synced() const;
  runtime::ElectionOptions election() const;
  net::HttpHandler endpoints();
  void touch_target(const api::ObjectKey& key, Priority priority = Priority::High) {
    targets->queue().add({kScaleWork, key}, priority);
  }
};

Status Operator::Impl::may_write() const {
  if (!options.leader_election || elector->holds_lease()) return ok();
  return Error{ErrorCode::Cancelled, "this process does not hold the lease; only the leader writes", 0, {}};
}

Result<std::shared_ptr<kube::Client>> Operator::Impl::make_client(const kube::ClusterConfig& config,
                                                                  const kube::ClientLimits& limits) {
  BOOST_OUTCOME_TRY(transport, kube::make_transport(config));
  auto client = std::make_shared<kube::Client>(std::move(transport), limits, random_seed());
  client->set_observer(
      [this, host = host_of(config.server)](kube::Method method, int status, std::chrono::microseconds took) {
        metrics.request(host, kube::to_string(method), status, took);
      });
  return client;
}

Result<std::shared_ptr<kube::Client>> Operator::Impl::make_gated_client(const kube::ClusterConfig& config) {
  BOOST_OUTCOME_TRY(client, make_client(config, options.client_limits));
  client->set_write_gate([this] { return may_write(); });
  return client;
}

template <class T>
void Operator::Impl::watch(const kube::ResourceType& type, std::shared_ptr<runtime::Store<T>> store,
                           Result<T> (*decode)(const nlohmann::json&),
                           std::function<void(const api::ObjectKey&)> changed,
                           std::function<void(const api::ObjectMeta&)> shown) {
  auto sink = runtime::store_sink<T>(
      store, decode,
      [this, type](const runtime::RefusedObject& refused) {
        log::error(
            absl::StrCat("object cannot be read; ", refused.consequence()),
            {{"object", absl::StrCat(type.kind, "/", refused.key.to_string())}, {"error", refused.error.message}});
        unreadable->refused(type.api_version(), type.kind, refused);
      },
      [this, type](const api::ObjectKey& key) { unreadable->over(type.kind, key); });
  runtime::ReflectorOptions reflector_options;
  reflector_options.type = type;
  if (type.namespaced) reflector_options.ns = options.watch_namespace;
  watched.push_back(type);
  // Most changes are our own status writes coming back; only what people write makes work.
  auto on_change = [store, changed = std::move(changed), shown = std::move(shown),
                    faces = std::unordered_map<std::size_t, std::size_t>()](const api::ObjectKey& key) mutable {
    // By hash: two keys that share one are only told of more often.
    const std::size_t hash = std::hash<api::ObjectKey>()(key);
    const auto object = store->get(key);
    if (!object) {
      faces.erase(hash);
      return changed(key);
    }
    if (shown) shown(object->meta);
    const std::size_t face = face_of(object->meta);
    const auto [it, added] = faces.try_emplace(hash, face);
    if (!added && std::exchange(it->second, face) == face) return;
    changed(key);
  };
  reflectors.push_back(std::make_unique<runtime::Reflector>(home, std::move(reflector_options), std::move(sink),
                                                            std::move(on_change), clock, random_seed()));
}

Result<std::shared_ptr<Cluster>> Operator::Impl::open_cluster(const std::string& region,
                                                              const std::string& kubeconfig) {
  std::shared_ptr<kube::Client> client = home;
  if (!kubeconfig.empty()) {
    kube::KubeconfigPolicy policy;
    policy.allow_files = false;
    policy.allowed_exec = options.allowed_exec;
    BOOST_OUTCOME_TRY(config, kube::parse_kubeconfig(kubeconfig, "", policy));
    BOOST_OUTCOME_TRY(remote, make_gated_client(config));
    client = std::move(remote);
  }
  auto cluster = std::make_shared<Cluster>(
      region, std::move(client), clock, metrics, [this](const api::ObjectKey& key) { object_changed(key); },
      random_seed());
  cluster->start();
  return cluster;
}

void Operator::Impl::object_changed(const api::ObjectKey& key) {
  planner->poke_soon();
  const auto snapshot = world->plan();
  if (!snapshot) return;
  snapshot->by_object.find(
      key, [&](std::size_t position) { touch_target(snapshot->concerned(position).meta.key(), Priority::Low); });
}

bool Operator::Impl::caches_synced() const {
  return world->regions->synced() && world->targets->synced() && world->schedules->synced();
}

runtime::ElectionOptions Operator::Impl::election() const {
  runtime::ElectionOptions election = options.election;
  if (election.ns.empty()) election.ns = options.own_namespace;
  if (election.name.empty()) election.name = "headroom-operator";
  if (election.identity.empty()) election.identity = options.identity;
  return election;
}

Status Operator::Impl::build() {
  runtime::set_build_info(metrics, "operator");
  metrics.leading(election().name, false);
  BOOST_OUTCOME_TRY(gated, make_gated_client(home_config));
  home = std::move(gated);
  BOOST_OUTCOME_TRY(ungated, make_client(home_config, options.client_limits));
  election_client = std::move(ungated);
  elector = std::make_unique<runtime::LeaderElector>(
      election_client, election(), clock, [this] { lead(); }, [this] { lost_lease(); }, random_seed());
  events = std::make_unique<runtime::ApiEventRecorder>(
      home, runtime::EventReporter{"headroom.dev/operator", options.identity}, clock, metrics, runtime::kGiveWay);

  unreadable = std::make_unique<runtime::UnreadableObjects>(*events);

  world = std::unique_ptr<World>(new World{.options = options,
                                           .clock = clock,
                                           .home = home,
                                           .metrics = metrics,
                                           .events = *events,
                                           .regions = std::make_shared<runtime::Store<api::Region>>(),
                                           .targets = std::make_shared<runtime::Store<api::ScaleTarget>>(),
                                           .schedules = std::make_shared<runtime::Store<api::FestivalSchedule>>()});

  const auto replan = [this] { planner->poke(); };
  queries = std::make_unique<monitoring::QueryPool>(
      monitoring::QueryPoolHome{*world->regions, *world->home, world->metrics, world->options.query_interval},
      [this] { planner->poke_soon(); });
  calendars = std::make_unique<CalendarWatch>(*world, replan);
  constraints = std::make_unique<ConstraintWatch>(*world);
  notifier = controllers::make_notifier(options.receivers, clock, metrics);
  target_reconciler = std::make_unique<TargetReconciler>(*world, replan);
  schedule_reconciler = std::make_unique<ScheduleReconciler>(*world, *notifier, replan);
  region_reconciler = std::make_unique<RegionReconciler>(
      *world, *queries,
      [this](const std::string& region, const std::string& kubeconfig) { return open_cluster(region, kubeconfig); },
      replan);

  const auto synced = [this] { return caches_synced(); };
  runtime::ControllerOptions target_options{.name = "scaletarget", .workers = options.target_workers};
  targets = std::make_unique<runtime::Controller>(
      target_options,
      [this](const WorkKey& key, const std::string& id, const std::stop_token& stop) {
        return target_reconciler->reconcile(key, id, stop);
      },
      synced, clock, metrics, random_seed());
  target_reconciler->use_queue(targets->queue());
  schedules = std::make_unique<runtime::Controller>(
      runtime::ControllerOptions{.name = "festivalschedule", .workers = 2},
      [this](const WorkKey& key, const std::string& id, const std::stop_token& stop) {
        return schedule_reconciler->reconcile(key, id, stop);
      },
      synced, clock, metrics, random_seed());
  regions = std::make_unique<runtime::Controller>(
      runtime::ControllerOptions{.name = "region", .workers = 4},
      [this](const WorkKey& key, const std::string& id,
             const std::stop_token& stop) -> Result<runtime::ReconcileResult> {
        auto result = region_reconciler->reconcile(key, id, stop);
        // A standby connects its regions to keep their caches warm; that it must not write is no failure.
        if (!result && result.error().code == ErrorCode::Cancelled && !leading) return runtime::ReconcileResult{};
        return result;
      },
      synced, clock, metrics, random_seed());

  backstop = std::make_unique<BackstopControl>(options, home, *notifier, clock, metrics, random_seed());
  planner = std::make_unique<Planner>(*world, PlannerSources{*queries, *constraints, *calendars},
                                      PlannerListeners{[this](const api::ObjectKey& key) { touch_target(key); },
                                                       [this](const api::ObjectKey& key) {
                                                         schedules->queue().add({kSyncWork, key});
                                                       },
                                                       [this](const std::string& region) {
                                                         regions->queue().add({kSyncWork, {"", region}}, Priority::Low);
                                                       }});

  watch<api::Region>(kube::types::kRegion, world->regions, api::region_from_json, [this](const api::ObjectKey& key) {
    regions->queue().add({kSyncWork, key});
    planner->poke();
  });
  watch<api::ScaleTarget>(
      kube::types::kScaleTarget, world->targets, api::scale_target_from_json,
      [this](const api::ObjectKey& key) {
        planner->poke();
        touch_target(key, Priority::Low);
      },
      [this](const api::ObjectMeta& meta) { world->records.shown(meta); });
  watch<api::FestivalSchedule>(kube::types::kFestivalSchedule, world->schedules, api::festival_schedule_from_json,
                               [this](const api::ObjectKey& key) {
                                 planner->poke();
                                 schedules->queue().add({kSyncWork, key});
                               });
  return ok();
}

void Operator::Impl::expose(runtime::Exposition& scrape) const {
  controllers::expose_objects(*world, scrape);
  const SteadyTime now = clock.steady_now();
  std::map<std::string, runtime::WatchHealths> by_region;
  const auto watches_of = [&](const std::string& region) -> runtime::WatchHealths& {
    return by_region.try_emplace(region, born, now).first->second;
  };
  for (std::size_t i = 0; i < reflectors.size(); ++i) {
    watches_of(api::kLocalRegion).add(watched[i].to_string(), reflectors[i]->health());
  }
  backstop->report(watches_of(api::kLocalRegion));
  for (const auto& [region, link] : world->links.all()) {
    if (!link.cluster) continue;
    const controllers::ClusterHealth health = link.cluster->health();
    watches_of(region).add(kube::types::kHorizontalPodAutoscaler.to_string(), !health.reachable, health.last_contact);
  }
  for (const auto& [region, watches] : by_region) watches.expose(scrape, region);
}

net::HttpHandler Operator::Impl::endpoints() {
  status::HealthOptions health;
  health.live = {{"ping", [] { return std::string(); }},
                 {"leader-election", [this] {
                    return !options.leader_election || elector->healthy()
                               ? std::string()
                               : std::string("leading, but the lease could not be renewed in time");
                  }}};
  health.ready = {
      {"caches",
       [this] { return started && caches_synced() ? std::string() : std::string("caches are not filled yet"); }},
      {"leader", [this] {
         return !options.leader_election || !elector->leader().empty() ? std::string()
                                                                       : std::string("no leader is known yet");
       }}};
  health.expose = [this](runtime::Exposition& scrape) { expose(scrape); };
  return options.metrics.alone ? status::health_only(std::move(health))
                               : status::health_and_metrics(std::move(health), metrics);
}

void Operator::Impl::lead() {
  log::info("leading", {{"identity", options.identity}});
  leading = true;
  metrics.leading(election().name, true);
  // What a standby gathered in memory is older than what the former leader stored.
  world->records.clear();
  unreadable->lead();
  targets->start();
  schedules->start();
  backstop->lead();
  for (const auto& target : world->targets->list()) touch_target(target->meta.key());
  for (const auto& schedule : world->schedules->list()) schedules->queue().add({kSyncWork, schedule->meta.key()});
  for (const auto& region : world->regions->list()) regions->queue().add({kSyncWork, region->meta.key()});
  planner->poke();
}

void Operator::Impl::lost_lease() {
  // Another process may be leading already: nothing of ours may run on, not even an orderly stop.
  log::error("the lease is lost; ending at once", {{"identity", options.identity}});
  std::_Exit(1);
}

Operator::Operator(OperatorOptions options, kube::ClusterConfig home, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(home), clock)) {}

Operator::~Operator() { stop(); }

Status Operator::Impl::start_server() {
  net::ServerOptions server_options;
  server_options.address = options.listen_address;
  server_options.port = options.listen_port;
  BOOST_OUTCOME_TRY(listening, net::HttpServer::start(server_options, endpoints()));
  server = std::move(listening);
  log::info(options.metrics.alone ? "serving health" : "serving health and metrics",
            {{"port", std::to_string(server->port())}});
  if (!options.metrics.alone) return ok();
  BOOST_OUTCOME_TRY(reviewer, make_client(home_config, status::review_limits()));
  BOOST_OUTCOME_TRY(of_metrics, status::MetricsServer::start(
                                    options.metrics, std::move(reviewer), metrics,
                                    [this](runtime::Exposition& scrape) { expose(scrape); }, clock));
  metrics_server = std::move(of_metrics);
  return ok();
}

void Operator::Impl::stop_caches() {
  backstop->stop_watches();
  for (const auto& reflector : reflectors) reflector->request_stop();
  for (const auto& reflector : reflectors) reflector->join();
  for (const auto& [name, link] : world->links.all()) {
    if (link.cluster) link.cluster->stop();
  }
}

void Operator::Impl::add_components() {
  using std::chrono::milliseconds;
  const auto starts = [](auto action) {
    return [action] {
      action();
      return ok();
    };
  };
  manager.add({"server", [this] { return start_server(); },
               [this](milliseconds left) {
                 server->stop(left);
                 if (metrics_server) metrics_server->stop(milliseconds(0));
               }});
  manager.add({"caches", starts([this] {
                 for (const auto& reflector : reflectors) reflector->start();
                 backstop->start_watches();
               }),
               [this](milliseconds) { stop_caches(); }});
  // After the controllers in stopping order: only when all guarded work has ended may the lease go to the next one.
  manager.add({"election", starts([this] {
                 if (options.leader_election) {
                   elector->start();
                 } else {
                   lead();
                 }
               }),
               [this](milliseconds) { elector->stop(leading); }});
  // Its last Events need the lease too.
  manager.add({"events", starts([] {}), [this](milliseconds left) { events->stop(left); }});
  manager.add({"sources", starts([] {}), [this](milliseconds) {
                 queries->stop();
                 calendars->stop();
                 constraints->stop();
                 notifier.reset();
               }});
  manager.add({"planner", starts([this] { planner->start(); }), [this](milliseconds) { planner->stop(); }});
  manager.add({"regions", starts([this] {
                 regions->start();
                 regions->queue().add({kSyncWork, {"", api::kLocalRegion}});
               }),
               [this](milliseconds left) {
                 regions->stop(left);
                 region_reconciler->stop();
               }});
  manager.add({"controllers", starts([] {}), [this](milliseconds left) {
                 targets->stop(left);
                 schedules->stop(left);
                 backstop->stop(left);
               }});
}

Status Operator::start() {
  BOOST_OUTCOME_TRYV(impl_->build());
  impl_->add_components();
  BOOST_OUTCOME_TRYV(impl_->manager.start(impl_->options.drain));
  impl_->started = true;
  return ok();
}

void Operator::stop() { impl_->manager.stop(impl_->options.drain); }

bool Operator::ready() const {
  return impl_->started && impl_->caches_synced() &&
         (!impl_->options.leader_election || !impl_->elector->leader().empty());
}

bool Operator::leading() const { return impl_->leading; }

std::uint16_t Operator::port() const { return impl_->server ? impl_->server->port() : 0; }

bool Operator::wait_settled(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  impl_->planner->poke();
  const auto quiet = [this] {
    for (auto* controller : {impl_->targets.get(), impl_->schedules.get(), impl_->regions.get()}) {
      const runtime::QueueStats stats = controller->queue().stats();
      if (stats.depth + stats.processing > 0) return false;
    }
    return impl_->planner->idle();
  };
  std::mutex mutex;
  std::condition_variable_any pause;
  std::unique_lock lock(mutex);
  int quiet_looks = 0;
  while (std::chrono::steady_clock::now() < deadline) {
    quiet_looks = quiet() ? quiet_looks + 1 : 0;
    if (quiet_looks == 3) return true;
    pause.wait_for(lock, std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace headroom::app
