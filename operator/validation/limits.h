// Rules of ScaleLimits and ClusterScaleLimits that need other objects. Pure.
//
// A limit only ever says "at most", so no two of them can be impossible to meet together: an empty cluster meets all.
// What two can do is leave one of them without effect.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "operator/validation/finding.h"
#include "operator/validation/snapshot.h"

namespace headroom::validation {

/// Refused: a new limit over another version of a resource than the one in force (see leading_limits()), and a change
/// of a ScaleLimit to a version other than limits elsewhere name. Else a change to another version than the one in
/// force is a warning (`former` is the limit before): limits move one by one, ClusterScaleLimits first. Warnings:
/// limits elsewhere over another version, bounds that another limit keeps from ever being reached, what observes
/// through a region that is not there or not for this namespace, what selects no namespace or an excluded one, and
/// `unavailable: Ignore` beside a limit over the same resource that fails.
std::vector<Finding> check(const api::ScaleLimit& limit, const api::ScaleLimit* former, const Snapshot& others);

/// The part that is about the Prometheus of one region.
std::vector<Finding> check_observed(const api::ScaleLimit& limit, const std::string& region, const Snapshot& others);

/// Why nobody may ask the region's Prometheus for one query of the limit; empty: it may be asked.
std::string observation_refusal(const api::ScaleLimit& limit, const api::ObservedLimit& observed,
                                const Snapshot& others);

/// By group and resource: the limit whose version is in force, a ClusterScaleLimit before ScaleLimits, then the oldest.
/// The API server asks about a write in the version that it came in, if the webhook configuration names that, and else
/// in the one that it names: with one version in it, all writes come in that one, and nobody's limit can take the
/// writes of others away by naming another.
using LeadingLimits = std::map<std::pair<std::string, std::string>, std::shared_ptr<const api::ScaleLimit>>;
LeadingLimits leading_limits(const Objects<api::ScaleLimit>& limits);
/// Whether writes are judged in this version of the resource, or no limit is over it.
bool in_force(const api::MatchedResource& resource, const LeadingLimits& leading);

/// "artifacts.example.com v1 is v2 in ScaleLimit shop/other", of the first resource that the limit names in a version
/// that is not in force; empty: of none. Also of one that names two itself.
std::string other_version(const api::ScaleLimit& limit, const LeadingLimits& leading);

}  // namespace headroom::validation
