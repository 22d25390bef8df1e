#include "operator/cli/cluster_room.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "operator/base/deadline.h"
#include "operator/cli/offline_sizes.h"
#include "operator/kube/client.h"
#include "operator/plan/text.h"

namespace headroom::cli {
namespace {

using nlohmann::json;
using plan::concat;

/// Bounds on what is asked of an API server, and held, for one plan.
constexpr std::size_t kMostWorkloads = 1'000, kMostQuotas = 1'000, kMostNodes = 1'000, kMostPods = 30'000;
/// Pods are large, and only a few fields of each are kept.
constexpr int kPodPage = 200;

/// What pod_pools() looks at.
json lean(const json& pod) {
  json copy = {{"apiVersion", "v1"}, {"kind", "Pod"}};
  for (const char* field : {"/metadata/namespace", "/metadata/labels", "/spec/nodeName", "/spec/overhead"}) {
    const json::json_pointer at(field);
    if (pod.contains(at)) copy[at] = pod.at(at);
  }
  for (const char* field : {"/spec/containers", "/spec/initContainers"}) {
    const json::json_pointer at(field);
    if (!pod.contains(at) || !pod.at(at).is_array()) continue;
    json& containers = copy[at] = json::array();
    for (const json& container : pod.at(at)) {
      if (!container.is_object()) continue;
      containers.push_back({{"resources", container.value("resources", json())},
                            {"restartPolicy", container.value("restartPolicy", json())}});
    }
  }
  return copy;
}

class RoomReader {
 public:
  RoomReader(kube::Reader& reader, const std::string& ns, const PlanningWorld& world, absl::Duration patience)
      : reader_(reader), ns_(ns), world_(world), deadline_(absl::ToChronoMilliseconds(patience), {}) {}

  PodPools read() {
    choose();
    quotas();
    nodes();
    workloads();
    std::vector<GivenObject> given;
    given.reserve(objects_.size());
    for (const json& object : objects_) given.push_back({&object, "", ""});
    PodPools pools = pod_pools(world_.targets, world_.regions, given, kDefaultNamespace);
    pools.quotas_known = quotas_known_;
    pools.nodes_known = nodes_known_;
    pools.assumptions.insert(pools.assumptions.begin(), untold_.begin(), untold_.end());
    return pools;
  }

 private:
  bool is_told(const api::ScaleTarget& target) const { return ns_.empty() || target.meta.ns == ns_; }

  void choose() {
    std::set<std::string> elsewhere;
    for (const api::ScaleTarget& target : world_.targets) {
      if (is_home(target.spec.region, world_.regions)) {
        if (is_told(target)) namespaces_.insert(target.meta.ns);
        home_.push_back(&target);
      } else if (is_told(target)) {
        elsewhere.insert(target.spec.region);
      }
    }
    for (const std::string& region : elsewhere) {
      untold_.push_back(
          concat("Quotas and nodes of region ", region, " are not looked at: its cluster is another one."));
    }
  }

  /// Keeps at most so many more objects of a kind, or none at all.
  Status list(const kube::ResourceType& type, const std::string& ns, kube::ListOptions options, std::size_t most) {
    const std::size_t before = objects_.size();
    const Status listed = [&]() -> Status {
      do {
        auto page = reader_.list(type, ns, options, deadline_.token());
        if (!page) return deadline_.judge(std::move(page).error());
        for (json& item : page.value().items) {
          if (objects_.size() - before == most) return invalid(concat("there are more than ", most));
          objects_.push_back(type == kube::types::kPod ? lean(item) : std::move(item));
        }
        options.continue_token = page.value().continue_token;
      } while (!options.continue_token.empty());
      return ok();
    }();
    if (!listed) objects_.resize(before);
    return listed;
  }

  void quotas() {
    quotas_known_ = namespaces_.empty();
    for (const std::string& ns : namespaces_) {
      const Status listed = list(kube::types::kResourceQuota, ns, {}, kMostQuotas);
      quotas_known_ |= bool(listed);
      if (!listed) {
        untold_.push_back(concat("ResourceQuotas of namespace ", ns, " are not looked at: ", listed.error().message));
      }
    }
  }

  void nodes() {
    if (home_.empty()) return;
    const std::size_t before = objects_.size();
    kube::ListOptions running;
    running.limit = kPodPage;
    running.field_selector = "status.phase!=Succeeded,status.phase!=Failed";
    Status listed = list(kube::types::kNode, "", {}, kMostNodes);
    const bool has_nodes = bool(listed);
    if (listed) listed = list(kube::types::kPod, "", running, kMostPods);
    nodes_known_ = bool(listed);
    if (listed) return;
    // Nodes whose pods are not known tell nothing.
    objects_.resize(before);
    untold_.push_back(concat("Nodes are not looked at: ", has_nodes ? "pods on them: " : "", listed.error().message));
  }

  /// Those of other namespaces take from the same nodes.
  void workloads() {
    std::set<std::pair<std::string, std::string>> refused;
    std::size_t count = 0;
    for (const bool told : {true, false}) {
      for (const api::ScaleTarget* target : home_) {
        const api::TargetRef& ref = target->spec.target_ref;
        if (is_told(*target) != told || (!told && !nodes_known_) || refused.contains({target->meta.ns, ref.kind}))
          continue;
        const kube::ResourceType* const type = type_of(ref);
        if (type == nullptr) continue;
        if (++count > kMostWorkloads) {
          untold_.push_back(concat("Quotas and nodes are looked at for ", kMostWorkloads, " targets, not for more."));
          return;
        }
        auto workload = reader_.get(*type, {target->meta.ns, ref.name}, deadline_.token());
        if (workload) {
          objects_.push_back(std::move(workload).value());
        } else if (workload.error().code != ErrorCode::NotFound) {
          refused.insert({target->meta.ns, ref.kind});
          untold_.push_back(concat(type->plural, " of namespace ", target->meta.ns,
                                   " are not looked at: ", deadline_.judge(workload.error()).message));
        }
      }
    }
  }

  static const kube::ResourceType* type_of(const api::TargetRef& ref) {
    for (const kube::ResourceType* type :
         {&kube::types::kDeployment, &kube::types::kStatefulSet, &kube::types::kReplicaSet}) {
      if (ref.kind == type->kind && ref.api_version == type->api_version()) return type;
    }
    return nullptr;
  }

  kube::Reader& reader_;
  const std::string& ns_;
  const PlanningWorld& world_;
  const Deadline deadline_;
  std::vector<const api::ScaleTarget*> home_;
  std::set<std::string> namespaces_;  ///< of targets that are told
  std::vector<json> objects_;
  std::vector<std::string> untold_;
  bool quotas_known_ = false, nodes_known_ = false;
};

}  // namespace

void read_room(kube::Reader& reader, const std::string& ns, PlanningWorld& world, absl::Duration patience) {
  PodPools pools = RoomReader(reader, ns, world, patience).read();
  world.take_room(std::move(pools));
}

}  // namespace headroom::cli
