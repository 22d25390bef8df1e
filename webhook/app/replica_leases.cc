#include "webhook/app/replica_leases.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace headroom::webhook {

class ReplicaLeases::Sink final : public runtime::ObjectSink {
 public:
  explicit Sink(ReplicaLeases& leases) : leases_(leases) {}

  void list_begins() override { listed_.clear(); }
  void listed(const nlohmann::json& object) override {
    listed_.insert(lease_state(object).holder.name);
    leases_.saw(object);
  }
  void discard_listed() override { listed_.clear(); }
  std::vector<api::ObjectKey> commit_listed() override {
    std::lock_guard lock(leases_.mutex_);
    std::erase_if(leases_.leases_, [&](const auto& entry) { return !listed_.contains(entry.first); });
    return {};
  }
  api::ObjectKey applied(const nlohmann::json& object) override {
    leases_.saw(object);
    return {};
  }
  api::ObjectKey deleted(const nlohmann::json& object) override {
    std::lock_guard lock(leases_.mutex_);
    leases_.leases_.erase(lease_state(object).holder.name);
    return {};
  }

 private:
  ReplicaLeases& leases_;
  std::set<std::string> listed_;
};

std::unique_ptr<runtime::ObjectSink> ReplicaLeases::sink() { return std::make_unique<Sink>(*this); }

bool ReplicaLeases::saw(const nlohmann::json& lease) {
  const LeaseState state = lease_state(lease);
  {
    std::lock_guard lock(mutex_);
    Known& known = leases_[state.holder.name];
    known.resource_version = state.resource_version;
    known.announced = state.announced;
    if (known.renewed == state.renewed) return false;
    known.renewed = state.renewed;
    known.seen = now_();
  }
  renewed_(state.holder);
  return true;
}

std::vector<ReplicaLeases::Live> ReplicaLeases::live(absl::Duration life) const {
  std::lock_guard lock(mutex_);
  std::vector<Live> live;
  for (const auto& [name, known] : leases_) {
    if (known.seen + life > now_()) live.push_back({name, known.announced});
  }
  return live;
}

std::vector<ReplicaLeases::Silent> ReplicaLeases::silent_for(absl::Duration time, std::size_t most) const {
  std::lock_guard lock(mutex_);
  std::vector<Silent> silent;
  for (const auto& [name, known] : leases_) {
    if (silent.size() < most && known.seen + time <= now_()) silent.push_back({name, known.resource_version});
  }
  return silent;
}

}  // namespace headroom::webhook
