// Writes that are remembered with their answers, so that each refusal can be judged later by what was stored.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/kube/client.h"
#include "operator/kube/config.h"
#include "tests/e2e/use_history.h"

namespace headroom::e2e {

enum class Outcome {
  Landed,
  OverLimit,  ///< 403: it does not fit, for good
  InFlight,   ///< 429: it may fit in a moment
  NotNow,     ///< nobody could judge it, or carry it out; nothing was stored
  Conflict,   ///< others wrote the same object
  Unknown     ///< it may have landed, or may yet
};

/// One attempt each; any thread.
class StormClient {
 public:
  StormClient(const kube::ClusterConfig& cluster, std::vector<Bound> bounds);
  ~StormClient();

  /// Objects as `Bound::use` takes them: kind, metadata, spec.
  Outcome create(const kube::ResourceType& type, const nlohmann::json& object);
  /// A merge patch of spec. `before`: what is stored, where nobody else writes; then it is checked what was asked.
  Outcome change(const kube::ResourceType& type, const std::optional<nlohmann::json>& before,
                 const nlohmann::json& after, const std::string& subresource = "");
  Outcome remove(const kube::ResourceType& type, const api::ObjectKey& key);
  /// Asks until it lands or is over the limit, whatever comes between, at most `seconds`.
  static Outcome persist(int seconds, const std::function<Outcome()>& ask);

  /// How often each outcome was met.
  std::string tally() const;
  std::int64_t count(Outcome outcome) const;
  std::int64_t asked() const;

  /// Refusals as over the limit for which, by a settled history, there was room at every moment from the question to
  /// the answer; in words.
  std::vector<std::string> wrong_refusals(const UseHistory& history) const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Landing {
    Time answered;
    StoreRevision revision = 0;  ///< 0: a delete, to be looked up
    kube::ResourceType type;
    api::ObjectKey key;
  };
  struct Refusal {
    Time asked;
    StoreRevision until = 0;  ///< of a read after the answer
    std::size_t bound = 0;
    std::int64_t more = 0;
    std::string message;
  };

  Outcome classify(const Error& error, const kube::ResourceType& type, Time asked,
                   const std::function<std::int64_t(const Bound&)>& expected);
  Outcome refused(const Error& error, const kube::ResourceType& type, Time asked,
                  const std::function<std::int64_t(const Bound&)>& expected);
  Outcome note(Outcome outcome);

  const std::vector<Bound> bounds_;
  const std::unique_ptr<kube::Client> client_;
  mutable std::mutex mutex_;
  std::array<std::int64_t, 6> met_{};
  std::vector<Landing> landings_;
  std::vector<Refusal> refusals_;
};

}  // namespace headroom::e2e
