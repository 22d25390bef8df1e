#include "operator/controllers/target_events.h"

#include <absl/strings/str_cat.h>

#include "operator/controllers/engine_objects.h"

namespace headroom::controllers {
namespace {

using runtime::EventText;

std::string bounds_text(const Size& size) {
  const std::string min = size.min ? absl::StrCat(*size.min) : "its default";
  return size.max ? absl::StrCat(min, " to ", *size.max) : min;
}

/// What decided, in the decision's own words: its last step says the most.
std::string why(const plan::Decision* decision) {
  if (decision == nullptr || decision->reasons.empty()) return "";
  return absl::StrCat(", ", decision->decided_by, ": ", decision->reasons.back().text);
}

}  // namespace

runtime::EventSubject event_subject(const api::ScaleTarget& target) {
  return {absl::StrCat(api::kGroup, "/", api::kVersion), kube::types::kScaleTarget.kind, target.meta.key(),
          target.meta.uid};
}

std::vector<EventText> events_of_writes(const EngineView& view, const Convergence& convergence,
                                        const plan::Decision* decision) {
  std::vector<EventText> events;
  const std::string object = described(view.type.kind, view.key);
  if (convergence.step_from && convergence.step_to) {
    const bool up = *convergence.step_to > *convergence.step_from;
    events.push_back(
        {EventText::Type::Normal, up ? "ScaledUp" : "ScaledDown", "Scale",
         absl::StrCat(object, " from ", *convergence.step_from, " to ", *convergence.step_to, why(decision))});
  }
  if (convergence.restored && view.ownership.held) {
    events.push_back({EventText::Type::Normal, "Restored", "Restore",
                      convergence.size == view.ownership.original
                          ? absl::StrCat(object, " is back at ", bounds_text(convergence.size))
                          : absl::StrCat(object, " is left at ", bounds_text(convergence.size),
                                         "; its size is not Headroom's any more")});
  }
  return events;
}

std::vector<EventText> events_of_conditions(const std::vector<api::Condition>& before,
                                            const std::vector<api::Condition>& after) {
  std::vector<EventText> events;
  for (const char* type : {"Contested", "Capped", "RivalScaler", "AmbiguousScaler", "ScalingDisabled", "Frozen",
                           "AwaitingApproval", "FollowIgnored", "MetricsUnavailable"}) {
    const api::Condition* now = api::find_condition(after, type);
    const api::Condition* then = api::find_condition(before, type);
    if (now == nullptr || !now->status || (then != nullptr && then->status)) continue;
    events.push_back({EventText::Type::Warning, type, "Judge", now->message});
  }
  return events;
}

EventText abandoned_event(const api::ScaleTarget& target, const EngineView& view, const std::string& why) {
  const auto& originals = target.status.originals;
  const std::string object =
      view.key.name.empty() ? described(target.spec.target_ref, target.meta.ns) : described(view.type.kind, view.key);
  std::string size = "its original size";
  if (originals) {
    size = originals->min == originals->max ? absl::StrCat(originals->min)
                                            : absl::StrCat(originals->min, " to ", originals->max);
  }
  return {EventText::Type::Warning, "RestoreAbandoned", "Restore",
          absl::StrCat(object, " in region ", target.spec.region, " was not put back to ", size, ": ", why,
                       "; put it back by hand")};
}

}  // namespace headroom::controllers
