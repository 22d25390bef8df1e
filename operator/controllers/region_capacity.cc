#include "operator/controllers/region_capacity.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "operator/base/deadline.h"
#include "operator/base/log.h"
#include "operator/runtime/reflector.h"

namespace headroom::controllers {
namespace {

/// Pods are large, and only a few numbers of each are wanted: small pages keep the peak low.
constexpr int kPodPage = 200;
/// Distinct pod shapes remembered; a shape is what a pod requests.
constexpr std::size_t kMostShapes = 10'000;

/// Every object of `type`, page by page.
template <class Visitor>
Status for_each_listed(kube::Reader& reader, const kube::ResourceType& type, kube::ListOptions options,
                       const std::stop_token& stop, Visitor visit) {
  do {
    BOOST_OUTCOME_TRY(page, reader.list(type, "", options, stop));
    for (const nlohmann::json& item : page.items) visit(item);
    options.continue_token = page.continue_token;
  } while (!options.continue_token.empty());
  return ok();
}

/// With its namespace, which views do not carry.
template <class View>
struct Namespaced {
  std::string ns;
  View view;
};

/// A store's content by namespace, put together anew only after a change: ten thousand targets ask in a row.
template <class View>
class ByNamespace {
 public:
  using Index = std::map<std::string, std::vector<View>>;

  const std::shared_ptr<runtime::Store<Namespaced<View>>>& store() const { return store_; }
  void touch() { version_.fetch_add(1); }
  /// Null until the store is complete.
  std::shared_ptr<const Index> get() const {
    if (!store_->synced()) return nullptr;
    const std::uint64_t version = version_.load();
    const std::lock_guard lock(mutex_);
    if (!index_ || built_ != version) {
      auto index = std::make_shared<Index>();
      for (const auto& entry : store_->list()) (*index)[entry->ns].push_back(entry->view);
      index_ = std::move(index);
      built_ = version;
    }
    return index_;
  }

 private:
  const std::shared_ptr<runtime::Store<Namespaced<View>>> store_ = std::make_shared<runtime::Store<Namespaced<View>>>();
  std::atomic<std::uint64_t> version_{0};
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Index> index_;  // guarded by mutex_
  mutable std::uint64_t built_ = 0;             // guarded by mutex_
};

template <class View>
std::unique_ptr<runtime::Reflector> watch(std::shared_ptr<kube::Reader> reader, const kube::ResourceType& type,
                                          std::string field_selector, ByNamespace<View>& into,
                                          Result<View> (*decode)(const nlohmann::json&),
                                          const std::function<void()>& changed, const Clock& clock,
                                          std::uint64_t seed) {
  runtime::ReflectorOptions options;
  options.type = type;
  options.field_selector = std::move(field_selector);
  const auto decode_entry = [decode](const nlohmann::json& object) -> Result<Namespaced<View>> {
    BOOST_OUTCOME_TRY(view, decode(object));
    return Namespaced<View>{api::meta_from_json(object).ns, std::move(view)};
  };
  auto reflector = std::make_unique<runtime::Reflector>(
      std::move(reader), std::move(options), runtime::store_sink<Namespaced<View>>(into.store(), decode_entry),
      [&into, changed](const api::ObjectKey&) {
        into.touch();
        if (changed) changed();
      },
      clock, seed);
  reflector->start();
  return reflector;
}

}  // namespace

struct RegionCapacityView::Impl {
  Impl(std::shared_ptr<kube::Reader> reader_in, const Clock& clock_in, std::function<void()> changed_in,
       RegionCapacityTimes times_in)
      : reader(std::move(reader_in)), clock(clock_in), changed(std::move(changed_in)), times(times_in) {}

  const std::shared_ptr<kube::Reader> reader;
  const Clock& clock;
  const std::function<void()> changed;
  const RegionCapacityTimes times;

  ByNamespace<plan::QuotaView> quotas;
  ByNamespace<plan::PendingPod> pending;
  std::unique_ptr<runtime::Reflector> quota_watch, pod_watch;

  mutable std::mutex mutex;
  std::condition_variable_any wake;
  std::shared_ptr<const std::vector<plan::NodeRoom>> nodes;  // guarded by mutex
  SteadyTime nodes_seen{};                                   // guarded by mutex
  std::map<plan::ResourceList, plan::Room> rooms;            // on `nodes`; guarded by mutex
  std::jthread lister;

  void run(const std::stop_token& stop);
  Status list_nodes(const std::stop_token& stop);
};

Status RegionCapacityView::Impl::list_nodes(const std::stop_token& stop) {
  const Deadline deadline(times.listing, stop);
  plan::NodeTally tally;
  const auto listed = [&]() -> Status {
    BOOST_OUTCOME_TRYV(
        for_each_listed(*reader, kube::types::kNode, {}, deadline.token(), [&](const nlohmann::json& object) {
          if (const auto node = plan::node_from_json(object)) tally.add(node.value());
        }));
    kube::ListOptions running;
    running.limit = kPodPage;
    running.field_selector = "status.phase!=Succeeded,status.phase!=Failed";
    return for_each_listed(*reader, kube::types::kPod, running, deadline.token(), [&](const nlohmann::json& object) {
      if (const auto pod = plan::pod_use_from_json(object)) tally.add(pod.value());
    });
  }();
  if (!listed) return deadline.judge(listed.error());
  const std::lock_guard lock(mutex);
  nodes = std::make_shared<const std::vector<plan::NodeRoom>>(std::move(tally).rooms());
  nodes_seen = clock.steady_now();
  rooms.clear();
  return ok();
}

void RegionCapacityView::Impl::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Status listed = list_nodes(stop);
    if (!listed) log::debug("nodes could not be listed", {{"error", listed.error().message}});
    if (listed && changed) changed();
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, listed ? times.nodes : times.after_failure, [] { return false; });
  }
}

RegionCapacityView::RegionCapacityView(std::shared_ptr<kube::Reader> reader, const Clock& clock,
                                       std::function<void()> changed, RegionCapacityTimes times, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(std::move(reader), clock, std::move(changed), times)) {
  impl_->quota_watch = watch<plan::QuotaView>(impl_->reader, kube::types::kResourceQuota, "", impl_->quotas,
                                              plan::quota_from_json, impl_->changed, clock, seed);
  impl_->pod_watch = watch<plan::PendingPod>(impl_->reader, kube::types::kPod, "status.phase=Pending", impl_->pending,
                                             plan::pending_pod_from_json, impl_->changed, clock, seed + 1);
  impl_->lister = std::jthread([impl = impl_.get()](const std::stop_token& stop) { impl->run(stop); });
}

RegionCapacityView::~RegionCapacityView() {
  impl_->lister.request_stop();
  impl_->quota_watch->request_stop();
  impl_->pod_watch->request_stop();
  impl_->quota_watch->join();
  impl_->pod_watch->join();
}

std::optional<std::vector<plan::QuotaView>> RegionCapacityView::quotas(const std::string& ns) const {
  const auto index = impl_->quotas.get();
  if (!index) return std::nullopt;
  const auto found = index->find(ns);
  return found == index->end() ? std::vector<plan::QuotaView>() : found->second;
}

std::optional<plan::Room> RegionCapacityView::room_on_nodes(const plan::ResourceList& pod_requests) const {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->nodes || impl_->clock.steady_now() - impl_->nodes_seen > impl_->times.nodes_age) return std::nullopt;
  if (impl_->rooms.size() > kMostShapes) impl_->rooms.clear();
  const auto [it, fresh] = impl_->rooms.try_emplace(pod_requests);
  if (fresh) it->second = plan::room_on_nodes(*impl_->nodes, pod_requests);
  return it->second;
}

std::optional<int> RegionCapacityView::unschedulable(const std::string& ns, const api::LabelSelector& selector) const {
  const auto index = impl_->pending.get();
  if (!index) return std::nullopt;
  const auto found = index->find(ns);
  if (found == index->end()) return 0;
  return static_cast<int>(std::ranges::count_if(
      found->second, [&](const plan::PendingPod& pod) { return pod.unschedulable && selector.matches(pod.labels); }));
}

}  // namespace headroom::controllers
