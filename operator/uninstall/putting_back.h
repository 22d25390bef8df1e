// How ScaleTargets and FestivalSchedules are asked to put back what they have changed, and whether they have. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace headroom::uninstall {

/// What spec.suspend was before it was set for an uninstall: "None", "Hold" or "Restore".
inline constexpr char kSuspendedBefore[] = "headroom.dev/suspended-before-uninstall";

/// Merge patch that suspends the object with Restore and notes what stood there; null when that is done.
nlohmann::json suspending_patch(const nlohmann::json& object);

/// "ScaleTarget shop/web: <what its Ready condition says>" while it has not put everything back.
std::optional<std::string> not_put_back(const nlohmann::json& object);

/// Merge patch that takes off our finalizer and undoes suspending_patch(); null when there is nothing of either.
nlohmann::json releasing_patch(const nlohmann::json& object);

}  // namespace headroom::uninstall
