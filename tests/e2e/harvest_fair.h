// A fair of twenty targets in one region, with one of each engine, and its festival.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/e2e/clusters.h"

namespace headroom::e2e::fair {

inline constexpr char kNamespace[] = "harvest-fair", kFestival[] = "harvest";
inline constexpr int kTargets = 20;
/// What Cluster::metadata_and_spec() counts while no festival is on.
inline constexpr int kObjects = 35;

/// The Region, the targets, and what they size: twelve HPAs, four Deployments, two HPAs of Headroom's own, a database
/// by /scale and one by an allow-listed field.
nlohmann::json world();
/// Two days with twice of everything, two database instances more, and a switch.
nlohmann::json festival(absl::Time start);

/// minReplicas, replicas or instances of what each target sizes, by its name.
using Sizes = std::map<std::string, int>;
/// 1 and 2 before and after the festival, 2 and 4 during it.
Sizes all_sizes(int apps, int databases);
Sizes sizes_now(const Cluster& cluster);

}  // namespace headroom::e2e::fair
