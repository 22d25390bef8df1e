#include "operator/controllers/switch_writer.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "operator/controllers/cluster.h"
#include "operator/controllers/region_access.h"
#include "operator/validation/region_admission.h"

namespace headroom::controllers {
namespace {

constexpr int kMostTries = 5;

Result<std::optional<SwitchMap>> read_map(kube::Client& client, const SwitchPlace& place, const std::stop_token& stop) {
  auto found = client.get(kube::types::kConfigMap, {place.ns, place.config_map}, stop);
  if (found) return std::optional(switch_map_from_json(found.value()));
  if (found.error().code == ErrorCode::NotFound) return std::optional<SwitchMap>();
  return found.error();
}

Status carry_out(kube::Client& client, const SwitchPlace& place, const std::optional<SwitchMap>& found,
                 const SwitchAction& action, const std::stop_token& stop) {
  const api::ObjectKey key{place.ns, place.config_map};
  switch (action.kind) {
    case SwitchAction::Kind::None:
      return ok();
    case SwitchAction::Kind::Create: {
      const auto made = client.create(kube::types::kConfigMap, switch_write_body(place, found, action), stop);
      if (!made) return made.error();
      return ok();
    }
    case SwitchAction::Kind::Remove:
      return client.remove(kube::types::kConfigMap, key, {found->uid, found->resource_version}, stop);
    case SwitchAction::Kind::Patch:
      break;
  }
  const auto patched =
      client.patch(kube::types::kConfigMap, key, kube::PatchType::Merge, switch_write_body(place, found, action), stop);
  if (!patched) return patched.error();
  return ok();
}

bool somebody_else_wrote(const Error& error) {
  return error.code == ErrorCode::Conflict || error.code == ErrorCode::AlreadyExists;
}

}  // namespace

Result<SwitchOutcome> write_switches(kube::Client& client, const SwitchPlace& place, const WantedSwitches& wanted,
                                     const std::map<std::string, SwitchRecord>& remembered,
                                     const std::stop_token& stop) {
  Error last;
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    BOOST_OUTCOME_TRY(found, read_map(client, place, stop));
    SwitchAction action = plan_switches(found, wanted, remembered);
    const Status written = carry_out(client, place, found, action, stop);
    if (written) {
      return SwitchOutcome{std::move(action.ledger.keys), std::move(action.left_alone), std::move(action.refused)};
    }
    last = written.error();
    const bool no_namespace = action.kind == SwitchAction::Kind::Create && last.code == ErrorCode::NotFound;
    if (no_namespace) last.message = absl::StrCat("namespace ", place.ns, " does not exist there; create it");
    if (!somebody_else_wrote(last)) return last;
  }
  return last;
}

Result<std::shared_ptr<kube::Client>> client_for_switches(const World& world, const std::string& region,
                                                          const std::string& ns) {
  const auto away = [](std::string message) { return Error{ErrorCode::Unavailable, std::move(message), 0, {}}; };
  const std::optional<RegionLink> link = world.links.get(region);
  if (!link || !link->cluster) {
    return away(absl::StrCat("region ", region, " is not connected",
                             link && !link->problem.empty() ? ": " + link->problem : std::string()));
  }
  if (const auto object = world.regions->get({"", region})) {
    if (auto refused = validation::namespace_refusal(region, object->spec.allowed_namespaces, ns,
                                                     namespace_labels_of(world, ns), world.options.own_namespace)) {
      return Error{ErrorCode::Forbidden, std::move(*refused), 0, {}};
    }
  }
  const ClusterHealth health = link->cluster->health();
  if (!health.reachable && health.last_contact) {
    return away(absl::StrCat("region ", region, " does not answer now: ", health.problem));
  }
  return link->cluster->client();
}

}  // namespace headroom::controllers
