// Who may read metrics: the API server says whose a bearer token is (TokenReview) and whether they may get the
// non-resource URL /metrics (SubjectAccessReview), as it does for controller-runtime's metrics servers. Its answers are
// remembered for a while. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/base/clock.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"

namespace headroom::status {

/// For how long and how many answers are remembered. What was allowed and is no longer goes on that long.
struct AccessMemory {
  std::chrono::milliseconds allowed{60'000}, refused{10'000};
  std::size_t most = 512;
};

/// What a request without access is answered with.
struct Refusal {
  int status;  ///< 401, 403; 500 when the API server could not be asked, as controller-runtime has it
  std::string text;
  bool operator==(const Refusal&) const = default;
};

/// Null: access is given.
using Verdict = std::optional<Refusal>;

class MetricsAccess {
 public:
  /// `reviewer` has deadlines of its own; it needs the rights of the ClusterRole system:auth-delegator.
  MetricsAccess(std::shared_ptr<kube::Writer> reviewer, const Clock& clock, AccessMemory memory = {});

  /// For the value of an Authorization header: what can be said without asking the API server; null when it must be.
  std::optional<Verdict> known(const std::string& authorization);
  /// Asks the API server unless the answer is known. Blocks for two requests at most. That it could not be asked is
  /// never remembered.
  Verdict ask(const std::string& authorization, const std::stop_token& stop);

 private:
  struct Remembered {
    Verdict verdict;
    SteadyTime until;
  };

  Result<Verdict> review(const std::string& token, const std::stop_token& stop) const;
  void remember(const std::string& key, const Verdict& verdict);

  const std::shared_ptr<kube::Writer> reviewer_;
  const Clock& clock_;
  const AccessMemory memory_;
  std::mutex mutex_;
  std::map<std::string, Remembered> remembered_;  ///< by a digest: tokens are not kept
};

}  // namespace headroom::status
