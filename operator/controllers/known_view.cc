#include "operator/controllers/known_view.h"

namespace headroom::controllers {
namespace {

/// Of what a view takes from a status.
bool same_hold(const api::ScaleTargetStatus& a, const api::ScaleTargetStatus& b) {
  return a.in_force == b.in_force && a.in_force_since == b.in_force_since && a.originals == b.originals &&
         a.bounds_min == b.bounds_min && a.bounds_max == b.bounds_max;
}

}  // namespace

EngineView view_as_known(World& world, const api::ScaleTarget& target, Cluster* cluster) {
  EngineView view = view_engine(target, cluster, world.options);
  const SteadyTime now = world.clock.steady_now();
  // Copied only where it matters, which is for a moment after a write.
  const auto ahead = world.records.update(target, [&](const TargetRecord& record) -> std::optional<TargetRecord> {
    const bool behind = view.known && is_behind(view.resource_version, record.landed, now);
    if (!behind && same_hold(record.status, target.status)) return std::nullopt;
    return record;
  });
  if (!ahead) return view;
  api::ScaleTarget known = target;
  known.status = ahead->status;
  view = view_engine(known, cluster, world.options);
  if (view.known && is_behind(view.resource_version, ahead->landed, now)) {
    const LandedWrite& landed = *ahead->landed;
    show_landed(known, landed.size, landed.record, landed.version, landed.uid, view);
  }
  return view;
}

}  // namespace headroom::controllers
