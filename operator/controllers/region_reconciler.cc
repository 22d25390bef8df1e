#include "operator/controllers/region_reconciler.h"

#include <absl/strings/str_cat.h>

#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "operator/base/log.h"
#include "operator/base/random_seed.h"
#include "operator/controllers/field_path.h"
#include "operator/controllers/finalizer_patch.h"
#include "operator/controllers/kubeconfig_watch.h"
#include "operator/controllers/region_agent.h"
#include "operator/controllers/region_release.h"
#include "operator/controllers/region_status.h"
#include "operator/kube/config.h"
#include "operator/kube/cpprest_transport.h"
#include "operator/runtime/merge_patch.h"
#include "operator/runtime/reflector.h"
#include "operator/runtime/stored_status.h"

namespace headroom::controllers {
namespace {

/// Any server that is one answers this; see RegionFacts::metrics.
constexpr char kConstantQuery[] = "vector(1)";
constexpr std::chrono::milliseconds kFirstLook{1'000}, kAfterConflict{50};
constexpr std::chrono::milliseconds kQueriesLook{15'000}, kResync{60'000}, kLookWithoutQueue{3'000}, kReleasing{2'000};

using Outlook = ConnectionFault::Outlook;

/// What the planner cares about in a link.
bool same_link(const RegionLink& a, const RegionLink& b) {
  return a.cluster == b.cluster && a.healthy == b.healthy && a.problem == b.problem &&
         a.used_elsewhere == b.used_elsewhere;
}

}  // namespace

struct RegionReconciler::Impl {
  Impl(World& world_in, monitoring::QuerySource& queries_in, ClusterFactory open_cluster_in,
       std::function<void()> replan_in)
      : world(world_in), queries(queries_in), open_cluster(std::move(open_cluster_in)), replan(std::move(replan_in)) {}

  /// One region; its reconcile is the only one to touch it, since no key is worked on twice at once.
  struct Managed {
    std::string uid;
    std::unique_ptr<KubeconfigWatch> secret;
    std::optional<std::string> connected_with;  ///< the kubeconfig in use; empty text: the home cluster
    std::shared_ptr<Cluster> cluster;
    std::unique_ptr<RegionAgent> agent;
    api::RegionStatus status;  ///< as it should be stored
    runtime::StoredStatus<api::RegionStatus> stored;
    bool reachable = false;
    bool finalizer_taken = false;  ///< while the cache does not show it yet
  };

  World& world;
  monitoring::QuerySource& queries;
  const ClusterFactory open_cluster;
  const std::function<void()> replan;
  const monitoring::TransportFactory connect = kube::make_transport;
  std::atomic<runtime::WorkQueue*> queue{nullptr};

  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Managed>> managed;  // guarded by mutex, as all below
  std::unique_ptr<runtime::Reflector> namespaces;
  std::shared_ptr<const PlanSnapshot> counted;
  std::map<std::string, std::int64_t> targets;  ///< by region, in `counted`
  std::mt19937_64 random{random_seed()};
  bool stopped = false;

  std::shared_ptr<Managed> managed_region(const runtime::WorkKey& key, const api::Region& region);
  void look_again(const runtime::WorkKey& key) {
    if (runtime::WorkQueue* to = queue.load()) to->add(key);
  }
  std::uint64_t seed() {
    const std::lock_guard lock(mutex);
    return random();
  }
  bool namespaces_known();
  std::int64_t count_targets(const std::string& region);
  std::optional<ConnectionFault> connect_region(const runtime::WorkKey& key, const api::RegionSpec& spec,
                                                Managed& region);
  std::optional<ConnectionFault> open(const std::string& name, const std::string& kubeconfig, Managed& region);
  void disconnect(Managed& region);
  RegionFacts gather(const std::string& name, const api::RegionSpec& spec, Managed& region,
                     std::optional<ConnectionFault> fault);
  void link(const std::string& name, const RegionFacts& facts, Managed& region);
  Status write_status(const api::Region& region, Managed& managed, const std::stop_token& stop);
  Status set_finalizer(const api::Region& region, Managed& managed, bool wanted, const std::stop_token& stop);
  Status take_finalizer(const api::Region& region, Managed& managed, const std::stop_token& stop);
  Result<runtime::ReconcileResult> release(const api::Region& region, const RegionFacts& facts, Managed& managed,
                                           const std::stop_token& stop);
  runtime::EventSubject subject_of(const api::Region& region) const {
    return {absl::StrCat(api::kGroup, "/", api::kVersion), "Region", region.meta.key(), region.meta.uid};
  }
  void forget(const std::string& name);
};

std::shared_ptr<RegionReconciler::Impl::Managed> RegionReconciler::Impl::managed_region(const runtime::WorkKey& key,
                                                                                        const api::Region& region) {
  const std::lock_guard lock(mutex);
  std::shared_ptr<Managed>& entry = managed[key.object.name];
  if (!entry || entry->uid != region.meta.uid) {
    // The connection outlives its object: a Region that is deleted and made again is mostly the same place.
    auto fresh = std::make_shared<Managed>();
    if (entry) {
      fresh->secret = std::move(entry->secret);
      fresh->connected_with = std::move(entry->connected_with);
      fresh->cluster = std::move(entry->cluster);
    }
    fresh->uid = region.meta.uid;
    fresh->status = region.status;
    fresh->agent = std::make_unique<RegionAgent>(key.object.name, region.status,
                                                 std::make_unique<NetworkProber>(key.object.name, queries, connect),
                                                 world.clock, [this, key] { look_again(key); });
    entry = std::move(fresh);
  }
  return stopped ? nullptr : entry;
}

bool RegionReconciler::Impl::namespaces_known() {
  const std::lock_guard lock(mutex);
  if (!namespaces && !stopped) {
    runtime::ReflectorOptions options;
    options.type = kube::types::kNamespace;
    options.metadata_only = true;
    const auto decode = [](const nlohmann::json& object) -> Result<std::map<std::string, std::string>> {
      return api::meta_from_json(object).labels;
    };
    namespaces = std::make_unique<runtime::Reflector>(
        world.home, std::move(options),
        runtime::store_sink<std::map<std::string, std::string>>(world.namespace_labels, decode),
        [this](const api::ObjectKey&) { replan(); }, world.clock, random());
    namespaces->start();
  }
  return world.namespace_labels->synced();
}

std::int64_t RegionReconciler::Impl::count_targets(const std::string& region) {
  const auto plan = world.plan();
  const std::lock_guard lock(mutex);
  if (plan != counted) {
    counted = plan;
    targets.clear();
    for (const auto& target : plan->targets) ++targets[target->spec.region];
  }
  const auto it = targets.find(region);
  return it == targets.end() ? 0 : it->second;
}

void RegionReconciler::Impl::disconnect(Managed& region) {
  if (region.cluster) region.cluster->stop();
  region.cluster.reset();
  region.connected_with.reset();
}

std::optional<ConnectionFault> RegionReconciler::Impl::open(const std::string& name, const std::string& kubeconfig,
                                                            Managed& region) {
  if (region.connected_with == kubeconfig) return std::nullopt;
  // Credentials that were replaced must not be used on: the former connection ends, even if the new one is bad.
  disconnect(region);
  auto opened = open_cluster(name, kubeconfig);
  if (!opened) {
    return ConnectionFault{kubeconfig.empty() ? "ConnectFailed" : "KubeconfigInvalid", opened.error().message,
                           Outlook::NeedsPerson};
  }
  region.cluster = std::move(opened.value());
  region.connected_with = kubeconfig;
  log::info("region connected", {{"object", absl::StrCat("Region/", name)}});
  return std::nullopt;
}

std::optional<ConnectionFault> RegionReconciler::Impl::connect_region(const runtime::WorkKey& key,
                                                                      const api::RegionSpec& spec, Managed& region) {
  const std::string& name = key.object.name;
  if (spec.allowed_namespaces.from == api::AllowedNamespaces::From::Selector && !namespaces_known()) {
    return ConnectionFault{"NamespacesUnknown", "waiting for the labels of the namespaces", Outlook::Pending};
  }
  if (spec.cluster.type == api::RegionCluster::Type::Local) {
    region.secret.reset();
    return open(name, "", region);
  }
  if (!spec.cluster.kubeconfig_secret) {
    disconnect(region);
    return ConnectionFault{"KubeconfigInvalid",
                           "spec.cluster.kubeconfigSecretRef is missing: type Kubeconfig needs the Secret",
                           Outlook::NeedsPerson};
  }
  const api::SecretKeyRef& ref = *spec.cluster.kubeconfig_secret;
  if (!region.secret || region.secret->ref() != ref) {
    region.secret.reset();
    region.secret = std::make_unique<KubeconfigWatch>(
        world.home, ref, world.clock, [this, key] { look_again(key); }, seed());
  }
  const KubeconfigWatch::Answer answer = region.secret->look();
  if (!answer.known) {
    return ConnectionFault{answer.reason, answer.problem, answer.failing ? Outlook::Failing : Outlook::Pending};
  }
  if (!answer.text) {
    disconnect(region);
    return ConnectionFault{answer.reason, answer.problem, Outlook::NeedsPerson};
  }
  if (region.connected_with == *answer.text) return std::nullopt;
  kube::KubeconfigPolicy policy;
  policy.allow_files = false;
  policy.allowed_exec = world.options.allowed_exec;
  if (const auto parsed = kube::parse_kubeconfig(*answer.text, "", policy); !parsed) {
    disconnect(region);
    return ConnectionFault{
        "KubeconfigInvalid",
        absl::StrCat("Secret ", ref.ns, "/", ref.name, " key '", ref.key, "': ", parsed.error().message),
        Outlook::NeedsPerson};
  }
  return open(name, *answer.text, region);
}

RegionFacts RegionReconciler::Impl::gather(const std::string& name, const api::RegionSpec& spec, Managed& region,
                                           std::optional<ConnectionFault> fault) {
  RegionFacts facts;
  facts.fault = std::move(fault);
  if (region.cluster) facts.cluster = region.cluster->health();
  facts.report = region.agent->report();
  for (const api::RegionCapacity& dimension : spec.capacity) {
    if (!dimension.used_query.empty()) facts.used[dimension.name] = queries.ask(name, dimension.used_query);
  }
  if (spec.metrics) facts.metrics = queries.ask(name, kConstantQuery);
  if (const auto plan = world.plan()) {
    const auto planned = plan->result.planned_use.find(name);
    if (planned != plan->result.planned_use.end()) facts.planned = planned->second;
    facts.targets = count_targets(name);
  }
  return facts;
}

void RegionReconciler::Impl::link(const std::string& name, const RegionFacts& facts, Managed& region) {
  RegionLink link{region.cluster, facts.report.healthy, {}, used_elsewhere(region.status)};
  if (facts.fault) {
    link.problem = facts.fault->message;
  } else if (!facts.report.healthy) {
    link.problem = facts.report.health_message;
  }
  const std::optional<RegionLink> former = world.links.get(name);
  const bool news = !former || !same_link(*former, link) || region.reachable != facts.cluster.reachable;
  region.reachable = facts.cluster.reachable;
  if (!news) return;
  world.links.set(name, std::move(link));
  replan();
}

Status RegionReconciler::Impl::write_status(const api::Region& region, Managed& managed_entry,
                                            const std::stop_token& stop) {
  managed_entry.stored.shown(region.meta.resource_version);
  const api::RegionStatus before = managed_entry.stored.base(region.status);
  if (!worth_writing(region.spec, before, managed_entry.status)) return ok();
  const auto patch = runtime::status_patch_between(api::to_json(before), api::to_json(managed_entry.status));
  if (!patch) return ok();
  const std::string version = managed_entry.stored.version(region.meta.resource_version);
  const nlohmann::json body = {{"metadata", {{"resourceVersion", version}}}, {"status", *patch}};
  const auto stored = world.home->patch(kube::types::kRegion, region.meta.key(), kube::PatchType::Merge, body, stop,
                                        {.force = false, .subresource = "status"});
  if (!stored) {
    const ErrorCode code = stored.error().code;
    if (code == ErrorCode::Conflict) managed_entry.stored.forget();
    // A standby keeps its regions connected and must not write; it will once it leads.
    return code == ErrorCode::Cancelled || code == ErrorCode::NotFound ? ok() : Status(stored.error());
  }
  managed_entry.stored.landed(std::make_shared<const api::RegionStatus>(managed_entry.status), version,
                              version_of(stored.value()));
  for (const runtime::EventText& event : region_events(before, managed_entry.status)) {
    world.events.record(subject_of(region), event);
  }
  return ok();
}

Status RegionReconciler::Impl::set_finalizer(const api::Region& region, Managed& managed_entry, bool wanted,
                                             const std::stop_token& stop) {
  managed_entry.stored.shown(region.meta.resource_version);
  const std::string version = managed_entry.stored.version(region.meta.resource_version);
  const auto stored = world.home->patch(kube::types::kRegion, region.meta.key(), kube::PatchType::Merge,
                                        finalizer_patch(region.meta, wanted, version), stop);
  if (!stored) {
    if (stored.error().code == ErrorCode::Conflict) managed_entry.stored.forget();
    return stored.error();
  }
  managed_entry.stored.landed(std::make_shared<const api::RegionStatus>(managed_entry.stored.base(region.status)),
                              version, version_of(stored.value()));
  return ok();
}

Status RegionReconciler::Impl::take_finalizer(const api::Region& region, Managed& managed_entry,
                                              const std::stop_token& stop) {
  if (region.meta.has_finalizer(api::kFinalizer)) managed_entry.finalizer_taken = false;
  if (!lacks_finalizer(region) || managed_entry.finalizer_taken) return ok();
  const Status taken = set_finalizer(region, managed_entry, true, stop);
  managed_entry.finalizer_taken = taken.has_value();
  const bool nothing_to_hold = !taken && taken.error().code == ErrorCode::NotFound;
  const bool standby = !taken && taken.error().code == ErrorCode::Cancelled;  // it renders nothing either
  return nothing_to_hold || standby ? ok() : taken;
}

Result<runtime::ReconcileResult> RegionReconciler::Impl::release(const api::Region& region, const RegionFacts& facts,
                                                                 Managed& managed_entry, const std::stop_token& stop) {
  const RegionRelease verdict =
      release_of(region.meta, facts, world.clock.wall_now(), world.options.finalizer_patience);
  if (!verdict.let_go) return runtime::ReconcileResult{.requeue_after = kReleasing};
  const Status freed = set_finalizer(region, managed_entry, false, stop);
  if (!freed && freed.error().code == ErrorCode::Conflict) {
    return runtime::ReconcileResult{.requeue_after = kAfterConflict};
  }
  if (!freed && freed.error().code != ErrorCode::NotFound) return freed.error();
  if (freed && !verdict.left_because.empty()) {
    world.events.record(subject_of(region), left_behind_event(region, verdict.left_because));
    log::warning("a Region goes and leaves its parameters behind",
                 {{"object", absl::StrCat("Region/", region.meta.name)}, {"reason", verdict.left_because}});
  }
  return runtime::ReconcileResult{};
}

void RegionReconciler::Impl::forget(const std::string& name) {
  std::shared_ptr<Managed> gone;
  {
    const std::lock_guard lock(mutex);
    const auto it = managed.find(name);
    if (it == managed.end()) return;
    gone = std::move(it->second);
    managed.erase(it);
  }
  world.links.remove(name);
  gone->agent->stop();
  disconnect(*gone);
  log::info("region removed", {{"object", absl::StrCat("Region/", name)}});
  replan();
}

RegionReconciler::RegionReconciler(World& world, monitoring::QuerySource& queries, ClusterFactory open_cluster,
                                   std::function<void()> replan)
    : impl_(std::make_unique<Impl>(world, queries, std::move(open_cluster), std::move(replan))) {}

RegionReconciler::~RegionReconciler() { stop(); }

void RegionReconciler::use_queue(runtime::WorkQueue& queue) { impl_->queue = &queue; }

Result<runtime::ReconcileResult> RegionReconciler::reconcile(const runtime::WorkKey& key,
                                                             const std::string& /*reconcile_id*/,
                                                             const std::stop_token& stop) {
  const std::string& name = key.object.name;
  const auto object = impl_->world.regions->get({"", name});
  if (!object && name != api::kLocalRegion) {
    impl_->forget(name);
    return runtime::ReconcileResult{};
  }
  static const api::Region kImplied;
  const api::Region& region = object ? *object : kImplied;
  const std::shared_ptr<Impl::Managed> managed = impl_->managed_region(key, region);
  if (!managed) return runtime::ReconcileResult{};

  // Before anything is rendered: what goes unheld could be left behind unseen.
  const Status held = object ? impl_->take_finalizer(region, *managed, stop) : ok();
  if (!held && held.error().code == ErrorCode::Conflict) {
    return runtime::ReconcileResult{.requeue_after = kAfterConflict};
  }
  api::RegionSpec spec = region.spec;
  if (region.meta.deleted) spec.parameter_namespaces.clear();

  std::optional<ConnectionFault> fault = impl_->connect_region(key, spec, *managed);
  const bool waiting = fault && fault->outlook != ConnectionFault::Outlook::NeedsPerson;
  managed->agent->update(spec, managed->cluster);
  const RegionFacts facts = impl_->gather(name, spec, *managed, std::move(fault));
  managed->status = region_status(region.meta, spec, facts, managed->status, impl_->world.clock.wall_now());
  impl_->link(name, facts, *managed);
  if (object) {
    const Status written = impl_->write_status(region, *managed, stop);
    // Somebody else wrote it, or the cache is behind: it is looked at again.
    if (!written && written.error().code == ErrorCode::Conflict) {
      return runtime::ReconcileResult{.requeue_after = kAfterConflict};
    }
    BOOST_OUTCOME_TRYV(written);
    BOOST_OUTCOME_TRYV(held);
    if (region.meta.deleted && region.meta.has_finalizer(api::kFinalizer)) {
      return impl_->release(region, facts, *managed, stop);
    }
  }

  runtime::ReconcileResult result;
  result.requeue_after = kResync;
  if (facts.metrics || !facts.used.empty()) result.requeue_after = kQueriesLook;
  if (impl_->queue.load() == nullptr) result.requeue_after = kLookWithoutQueue;
  if (waiting) result.requeue_after = kFirstLook;
  return result;
}

void RegionReconciler::stop() {
  std::map<std::string, std::shared_ptr<Impl::Managed>> regions;
  std::unique_ptr<runtime::Reflector> namespaces;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopped = true;
    regions.swap(impl_->managed);
    namespaces.swap(impl_->namespaces);
  }
  for (const auto& [name, region] : regions) region->agent->stop();
  if (namespaces) {
    namespaces->request_stop();
    namespaces->join();
  }
}

}  // namespace headroom::controllers
