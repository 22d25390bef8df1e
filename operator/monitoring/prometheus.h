// One instant query to a Prometheus, or anything that speaks its HTTP API (Thanos, Mimir, VictoriaMetrics). Request and
// answer are pure; ask_prometheus does the exchange. Thread-safe: nothing is kept.
#pragma once

#include <absl/time/time.h>

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>

#include "operator/base/result.h"
#include "operator/kube/transport.h"

namespace headroom::monitoring {

struct InstantQuery {
  std::string expression;
  std::string tenant_header;                    ///< "X-Scope-OrgID: tenant"; empty: none
  absl::Duration staleness = absl::Minutes(5);  ///< samples older than this do not count
  std::chrono::milliseconds timeout{5'000};
};

/// POST /api/v1/query. A POST, because expressions outgrow URLs. InvalidArgument for a tenant header that is none.
///
/// An answer carries the time of evaluation, not of the sample, so how old a sample may be is told to the server:
/// lookback_delta, heeded from Prometheus 2.43 on; earlier ones have five minutes, our default. It is also asked not to
/// answer from a part of its stores (Thanos' partial_response).
Result<kube::Request> instant_query_request(const InstantQuery& query);

/// The one number that an answer holds. Anything else is an error that says what to do: NotFound for no, a stale or a
/// non-finite sample, InvalidArgument for several samples, a refused expression or another kind of value, Unauthorized
/// and Forbidden for refused credentials, Unavailable for an ailing server, Internal for what is no Prometheus.
Result<double> value_of_answer(const kube::Response& response, const InstantQuery& query, absl::Time now);

/// Request, exchange, answer. `now` is the machine's wall time.
Result<double> ask_prometheus(kube::Transport& transport, const InstantQuery& query, absl::Time now,
                              std::stop_token stop);

}  // namespace headroom::monitoring
