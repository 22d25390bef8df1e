#include "webhook/app/switches.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace headroom::webhook {
namespace {

Result<std::map<std::string, std::string>> data_of(const nlohmann::json& config_map) {
  std::map<std::string, std::string> data;
  const auto it = config_map.find("data");
  if (it == config_map.end() || !it->is_object()) return data;
  for (const auto& [key, value] : it->items()) {
    if (value.is_string()) data.emplace(key, value.get<std::string>());
  }
  return data;
}

std::set<api::ObjectKey> named_by(const limits::LimitSet& limits) {
  std::set<api::ObjectKey> keys;
  for (const auto& limit : limits.limits()) {
    for (const api::DenyRule& rule : limit->limit().spec.deny) {
      if (rule.while_switch) keys.insert({rule.while_switch->ns, rule.while_switch->config_map});
    }
  }
  return keys;
}

}  // namespace

Switches::Switches(std::shared_ptr<kube::Reader> reader, const Clock& clock, std::uint64_t seed)
    : reader_(std::move(reader)), clock_(clock), seed_(seed) {}

Switches::~Switches() { stop(); }

Switches::Watch Switches::open(const api::ObjectKey& config_map) {
  Watch watch;
  watch.store = std::make_shared<runtime::Store<Data>>();
  runtime::ReflectorOptions options;
  options.type = kube::types::kConfigMap;
  options.ns = config_map.ns;
  options.field_selector = "metadata.name=" + config_map.name;
  watch.reflector = std::make_unique<runtime::Reflector>(
      reader_, std::move(options), runtime::store_sink<Data>(watch.store, data_of), [](const api::ObjectKey&) {},
      clock_, ++seed_);
  watch.reflector->start();
  return watch;
}

void Switches::watch(const limits::LimitSet& limits) {
  const std::set<api::ObjectKey> wanted = named_by(limits);
  std::vector<Watch> former;
  std::lock_guard lock(mutex_);
  for (auto it = watches_.begin(); it != watches_.end();) {
    if (wanted.contains(it->first)) {
      ++it;
      continue;
    }
    it->second.reflector->request_stop();
    former.push_back(std::move(it->second));
    it = watches_.erase(it);
  }
  for (const api::ObjectKey& key : wanted) {
    if (!watches_.contains(key)) watches_.emplace(key, open(key));
  }
}

void Switches::stop() {
  std::map<api::ObjectKey, Watch> former;
  {
    std::lock_guard lock(mutex_);
    former.swap(watches_);
  }
  for (const auto& [key, watch] : former) watch.reflector->request_stop();
}

void Switches::begin_anew() {
  std::lock_guard lock(mutex_);
  for (const auto& [key, watch] : watches_) watch.reflector->begin_anew();
}

bool Switches::is_on(const api::SwitchCondition& condition) const {
  std::shared_ptr<runtime::Store<Data>> store;
  {
    std::lock_guard lock(mutex_);
    const auto watch = watches_.find({condition.ns, condition.config_map});
    if (watch == watches_.end()) return false;
    store = watch->second.store;
  }
  const auto data = store->get({condition.ns, condition.config_map});
  if (!data) return false;
  const auto value = data->find(condition.key);
  return value != data->end() && value->second == condition.value;
}

bool Switches::known() const {
  std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.steady_now();
  return std::ranges::all_of(watches_, [&](const auto& entry) {
    return entry.second.store->synced() || entry.second.reflector->health().hopeless(now);
  });
}

}  // namespace headroom::webhook
