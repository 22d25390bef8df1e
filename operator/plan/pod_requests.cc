#include "operator/plan/pod_requests.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace headroom::plan {
namespace {

using nlohmann::json;
using Amounts = std::map<std::string, Quantity>;

/// JSON null where there is none.
const json& field(const json& object, const char* name) {
  static const json none;
  if (!object.is_object()) return none;
  const auto it = object.find(name);
  return it == object.end() ? none : *it;
}

void read_amounts(const json& list, const char* prefix, Amounts& into) {
  if (!list.is_object()) return;
  for (const auto& [resource, amount] : list.items()) {
    if (!amount.is_string() && !amount.is_number_integer()) continue;
    const auto quantity = Quantity::parse(amount.is_string() ? amount.get<std::string>() : amount.dump());
    if (quantity) into.emplace(prefix + resource, quantity.value());
  }
}

Amounts of_container(const json& container) {
  const json& resources = field(container, "resources");
  const json& limits = field(resources, "limits");
  Amounts amounts;
  read_amounts(field(resources, "requests"), "requests.", amounts);
  read_amounts(limits, "requests.", amounts);  // emplace: only where no request is given
  read_amounts(limits, "limits.", amounts);
  return amounts;
}

void add(Amounts& sum, const Amounts& more) {
  for (const auto& [resource, amount] : more) sum[resource] = sum[resource] + amount;
}

void raise_to(Amounts& most, const Amounts& other) {
  for (const auto& [resource, amount] : other) most[resource] = std::max(most[resource], amount);
}

const json& list_at(const json& object, const char* name) {
  static const json empty = json::array();
  const json& list = field(object, name);
  return list.is_array() ? list : empty;
}

}  // namespace

Amounts pod_requests(const json& pod_spec) {
  if (!pod_spec.is_object()) return {};
  // Init containers run one after the other beside the sidecars started before them (restartPolicy: Always).
  Amounts sidecars, most_while_starting;
  for (const json& container : list_at(pod_spec, "initContainers")) {
    if (!container.is_object()) continue;
    Amounts running = sidecars;
    add(running, of_container(container));
    raise_to(most_while_starting, running);
    if (field(container, "restartPolicy") == "Always") sidecars = std::move(running);
  }
  Amounts total = sidecars;
  for (const json& container : list_at(pod_spec, "containers")) {
    if (container.is_object()) add(total, of_container(container));
  }
  raise_to(total, most_while_starting);
  Amounts overhead;
  read_amounts(field(pod_spec, "overhead"), "requests.", overhead);
  add(total, overhead);
  // A limit with overhead counts only where there is a limit at all.
  read_amounts(field(pod_spec, "overhead"), "limits.", overhead);
  for (const auto& [resource, amount] : overhead) {
    if (resource.starts_with("limits.") && total.contains(resource)) total[resource] = total[resource] + amount;
  }
  total["pods"] = Quantity::from_int(1);
  return total;
}

PodRequests SharedRequests::share(const PodRequests& requests) {
  if (!requests) return requests;
  // Sizes come and go with each edit of a template: those that nobody has any more are looked for now and then.
  constexpr std::size_t kMostKnown = 1000;
  if (known_.size() >= kMostKnown) std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
  auto& known = known_[*requests];
  if (PodRequests shared = known.lock()) return shared;
  known = requests;
  return requests;
}

}  // namespace headroom::plan
