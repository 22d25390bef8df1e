// Rules of ScaleLimits and ClusterScaleLimits that need other objects. Pure.
//
// A limit only ever says "at most", so no two of them can be impossible to meet together: an empty cluster meets all.
// What two can do is leave one of them without effect.
#pragma once

#include <string>
#include <vector>

#include "operator/validation/finding.h"
#include "operator/validation/snapshot.h"

namespace headroom::validation {

/// Refused: a new limit over another version of a resource that is limited already. The API server asks about a write
/// in the version it came in, if some limit names that, so each of the limits would overlook what comes in the other's.
/// In a limit that was there before (`former`) that is a warning: else limits could not move to another version one by
/// one. Warnings: bounds that another limit keeps from ever being reached, what observes through a region that is not
/// there or not for this namespace, what selects no namespace or an excluded one, and `unavailable: Ignore` beside a
/// limit over the same resource that fails.
std::vector<Finding> check(const api::ScaleLimit& limit, const api::ScaleLimit* former, const Snapshot& others);

/// The part that is about the Prometheus of one region.
std::vector<Finding> check_observed(const api::ScaleLimit& limit, const std::string& region, const Snapshot& others);

/// Why nobody may ask the region's Prometheus for one query of the limit; empty: it may be asked.
std::string observation_refusal(const api::ScaleLimit& limit, const api::ObservedLimit& observed,
                                const Snapshot& others);

/// "artifacts.example.com v1 is v2 in ScaleLimit shop/other", of the first resource that limits name in two versions;
/// empty: of none. Also of one that names both itself.
std::string other_version(const api::ScaleLimit& limit, const Objects<api::ScaleLimit>& others);

}  // namespace headroom::validation
