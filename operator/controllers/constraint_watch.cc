#include "operator/controllers/constraint_watch.h"

#include <map>
#include <mutex>
#include <random>
#include <utility>
#include <vector>

#include "operator/base/random_seed.h"
#include "operator/controllers/cluster.h"
#include "operator/controllers/selector_text.h"

namespace headroom::controllers {

struct ConstraintWatch::Impl {
  Impl(World& world_in, std::function<void()> changed_in, ConstraintWatchOptions options_in)
      : world(world_in), changed(std::move(changed_in)), options(options_in) {}

  struct Entry {
    std::shared_ptr<kube::Client> client;  ///< of the connection that the view was made with
    std::shared_ptr<RegionCapacityView> view;
    SteadyTime asked_for;
  };

  World& world;
  const std::function<void()> changed;
  const ConstraintWatchOptions options;

  std::mutex mutex;
  std::map<std::string, Entry> regions;  // guarded by mutex, as all below
  std::mt19937_64 random{random_seed()};
  bool stopped = false;

  std::shared_ptr<RegionCapacityView> view_of(const std::string& region);
};

std::shared_ptr<RegionCapacityView> ConstraintWatch::Impl::view_of(const std::string& region) {
  const std::optional<RegionLink> link = world.links.get(region);
  const auto client = link && link->cluster ? link->cluster->client() : nullptr;
  // Views end outside of the lock: that joins threads.
  std::vector<std::shared_ptr<RegionCapacityView>> ended;
  const std::lock_guard lock(mutex);
  if (stopped) return nullptr;
  const SteadyTime now = world.clock.steady_now();
  for (auto it = regions.begin(); it != regions.end();) {
    const bool unused = now - it->second.asked_for > options.forget_after;
    const bool reconnected = it->first == region && it->second.client != client;
    if (unused || reconnected) {
      ended.push_back(std::move(it->second.view));
      it = regions.erase(it);
    } else {
      ++it;
    }
  }
  if (!client) return nullptr;
  Entry& entry = regions[region];
  if (!entry.view) {
    entry.client = client;
    entry.view = std::make_shared<RegionCapacityView>(client, world.clock, changed, options.times, random());
  }
  entry.asked_for = now;
  return entry.view;
}

ConstraintWatch::ConstraintWatch(World& world, std::function<void()> changed, ConstraintWatchOptions options)
    : impl_(std::make_unique<Impl>(world, std::move(changed), options)) {}

ConstraintWatch::~ConstraintWatch() { stop(); }

plan::TargetConstraints ConstraintWatch::constraints(const api::ScaleTarget& target,
                                                     const plan::PodRequests& pod_requests,
                                                     const std::string& selector) {
  plan::TargetConstraints constraints;
  const std::shared_ptr<RegionCapacityView> view = impl_->view_of(target.spec.region);
  if (!view) return constraints;
  // No requests at all: the workload has not been seen.
  const auto quotas = !pod_requests ? std::nullopt : view->quotas(target.meta.ns);
  if (quotas) {
    constraints.quotas = plan::rooms_of_quotas(*quotas, *pod_requests);
    if (const auto room = plan::room_in_quotas(*quotas, *pod_requests)) {
      constraints.quota_replicas_left = room->replicas;
      constraints.quota_text = room->text;
    }
  }
  if (const auto room = !pod_requests ? std::nullopt : view->room_on_nodes(*pod_requests)) {
    constraints.node_replicas_left = room->replicas;
    constraints.node_text = room->text;
  }
  if (!selector.empty()) {
    if (const auto parsed = parse_selector_text(selector)) {
      constraints.unschedulable = view->unschedulable(target.meta.ns, parsed.value());
    }
  }
  return constraints;
}

void ConstraintWatch::stop() {
  std::map<std::string, Impl::Entry> regions;
  const std::lock_guard lock(impl_->mutex);
  impl_->stopped = true;
  regions.swap(impl_->regions);
}

}  // namespace headroom::controllers
