// What a Region's status says, as a pure function of what is known about it.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/region.h"
#include "operator/controllers/cluster.h"
#include "operator/controllers/region_agent.h"
#include "operator/controllers/world.h"
#include "operator/runtime/events.h"

namespace headroom::controllers {

/// Why a region has no connection; CamelCase reason and words with the remedy.
struct ConnectionFault {
  enum class Outlook {
    Pending,      ///< a first look is under way, nothing is wrong
    Failing,      ///< something is wrong that may pass
    NeedsPerson,  ///< waiting does not help: Stalled
  };
  std::string reason, message;
  Outlook outlook = Outlook::Failing;
};

struct RegionFacts {
  std::optional<ConnectionFault> fault;  ///< empty: there is a connection
  ClusterHealth cluster;                 ///< of the connection
  RegionReport report;
  std::map<std::string, monitoring::QuerySource::Answer> used;  ///< by dimension, for those with a usedQuery
  std::optional<monitoring::QuerySource::Answer>
      metrics;                              ///< of a query that any healthy server answers; empty: none declared
  std::map<std::string, Quantity> planned;  ///< by dimension
  std::int64_t targets = 0;
};

/// `before` is the status as last known: what cannot be known now keeps its last value there.
api::RegionStatus region_status(const api::ObjectMeta& meta, const api::RegionSpec& spec, const RegionFacts& facts,
                                const api::RegionStatus& before, absl::Time now);

/// Use of each dimension beyond what targets declare, for the planner.
std::map<std::string, Quantity> used_elsewhere(const api::RegionStatus& status);

/// Whether `after` says something that `before` does not. Times of probes alone are told at most every five minutes,
/// and failures beyond the threshold are not counted out one by one.
bool worth_writing(const api::RegionSpec& spec, const api::RegionStatus& before, const api::RegionStatus& after);

/// Events for changes of Reachable, Healthy and CapacityAvailable.
std::vector<runtime::EventText> region_events(const api::RegionStatus& before, const api::RegionStatus& after);

/// The nearest Quantity; what a query answers is approximate anyway.
Quantity quantity_near(double value);

}  // namespace headroom::controllers
