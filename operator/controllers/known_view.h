// What plans are made of: a target's objects as Headroom knows them, which may be ahead of caches and stored status.
#pragma once

#include "operator/controllers/engine.h"
#include "operator/controllers/world.h"

namespace headroom::controllers {

/// The view with the status that is still to be stored, and with our own last write where the caches lag behind it. A
/// plan made of what was there before would have that write undone: a read replica removed with a person's approval,
/// which is used up by then, would be kept again. `cluster` null: as view_engine says.
EngineView view_as_known(World& world, const api::ScaleTarget& target, Cluster* cluster);

}  // namespace headroom::controllers
