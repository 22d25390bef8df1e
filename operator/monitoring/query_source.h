// Who answers PromQL queries.
#pragma once

#include <optional>
#include <string>

namespace headroom::monitoring {

/// Answers of PromQL queries, polled in the background. Absent: empty, stale, NaN or the server is away.
class QuerySource {
 public:
  virtual ~QuerySource() = default;
  struct Answer {
    std::optional<double> value;
    std::string problem;  ///< why there is no value
    bool asked = false;   ///< false: the first answer is still under way
  };
  /// The latest answer of `query` in `region`; the first call starts polling it, and polling ends a while after the
  /// last call. `fresh` answers are at most the region's staleness old.
  virtual Answer ask(const std::string& region, const std::string& query) = 0;
};

}  // namespace headroom::monitoring
