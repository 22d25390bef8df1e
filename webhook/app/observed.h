// The dimensions of limits that Prometheus tells: asked for in the background, kept for a while when it falls silent.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/api/scale_limit.h"
#include "operator/base/quantity.h"
#include "operator/limits/identity.h"
#include "operator/monitoring/query_source.h"
#include "operator/validation/snapshot.h"

namespace headroom::webhook {

/// What is known of one observed dimension.
struct ObservedFigure {
  std::optional<Quantity> used;
  std::string problem;  ///< why no answer stands behind it now; empty: one does, or the first is under way
  bool operator==(const ObservedFigure&) const = default;
};

/// A query's answer as an exact amount, never less: rounded up to a thousandth where the bound is 1 or more, else to a
/// billionth. Less than nothing is nothing; beyond 2^63-1 it is that.
Quantity amount_of(double answer, Quantity hard);

/// The last figures of all limits. An answer that fails to come leaves the figure for as long as the region's
/// spec.metrics.staleness since the last one; then there is none, see limits::levels_of(). One thread.
class ObservedFigures {
 public:
  /// `queries` outlives this.
  explicit ObservedFigures(monitoring::QuerySource& queries) : queries_(queries) {}

  /// In the order of spec.observed. Never waits. `regions` says who answers, and who may ask; null: that is not known
  /// yet. While the first answer is under way the figure is what the limit's stored status says.
  std::vector<ObservedFigure> of(const api::ScaleLimit& limit, const validation::Snapshot* regions,
                                 limits::BootTime now);
  /// Forgets limits other than these.
  void retain(const std::set<std::string>& uids);

 private:
  struct Last {
    std::string query, region;  ///< another one has no figure yet
    Quantity used;
    limits::BootTime at;
  };
  ObservedFigure one(const api::ScaleLimit& limit, const api::ObservedLimit& observed,
                     const validation::Snapshot& regions, limits::BootTime now);

  monitoring::QuerySource& queries_;
  std::map<std::string, std::map<std::string, Last>> last_;  ///< by uid, then by dimension
};

}  // namespace headroom::webhook
