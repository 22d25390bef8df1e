#include "operator/controllers/pod_requests.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/controllers/field_path.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;
using Amounts = std::map<std::string, Quantity>;

void read_amounts(const json& container, const char* path, const char* prefix, Amounts& into) {
  const json* list = find_field(container, path);
  if (list == nullptr || !list->is_object()) return;
  for (const auto& [resource, amount] : list->items()) {
    if (!amount.is_string() && !amount.is_number_integer()) continue;
    const auto quantity = Quantity::parse(amount.is_string() ? amount.get<std::string>() : amount.dump());
    if (quantity) into.emplace(prefix + resource, quantity.value());
  }
}

Amounts of_container(const json& container) {
  Amounts amounts;
  read_amounts(container, ".resources.requests", "requests.", amounts);
  read_amounts(container, ".resources.limits", "requests.", amounts);  // emplace: only where no request is given
  read_amounts(container, ".resources.limits", "limits.", amounts);
  return amounts;
}

void add(Amounts& sum, const Amounts& more) {
  for (const auto& [resource, amount] : more) sum[resource] = sum[resource] + amount;
}

void raise_to(Amounts& most, const Amounts& other) {
  for (const auto& [resource, amount] : other) most[resource] = std::max(most[resource], amount);
}

const json& list_at(const json& object, const char* field) {
  static const json empty = json::array();
  const auto it = object.find(field);
  return it != object.end() && it->is_array() ? *it : empty;
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
    const json* restart = find_field(container, ".restartPolicy");
    if (restart != nullptr && *restart == "Always") sidecars = std::move(running);
  }
  Amounts total = sidecars;
  for (const json& container : list_at(pod_spec, "containers")) {
    if (container.is_object()) add(total, of_container(container));
  }
  raise_to(total, most_while_starting);
  Amounts overhead;
  read_amounts(pod_spec, ".overhead", "requests.", overhead);
  add(total, overhead);
  // A limit with overhead counts only where there is a limit at all.
  read_amounts(pod_spec, ".overhead", "limits.", overhead);
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

}  // namespace headroom::controllers
