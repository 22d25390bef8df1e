// What Events say about a ScaleTarget. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/scale_target.h"
#include "operator/controllers/engine.h"
#include "operator/plan/decide.h"
#include "operator/runtime/events.h"

namespace headroom::controllers {

runtime::EventSubject event_subject(const api::ScaleTarget& target);

/// ScaledUp, ScaledDown and Restored for writes that have landed; none where no size changed.
std::vector<runtime::EventText> events_of_writes(const EngineView& view, const Convergence& convergence,
                                                 const plan::Decision* decision);

/// One for each abnormal condition that began: its type is the reason, its message the note.
std::vector<runtime::EventText> events_of_conditions(const std::vector<api::Condition>& before,
                                                     const std::vector<api::Condition>& after);

/// A target went away without having been put back.
runtime::EventText abandoned_event(const api::ScaleTarget& target, const EngineView& view, const std::string& why);

}  // namespace headroom::controllers
