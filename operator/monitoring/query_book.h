// Which query is asked when: due times, back-off of ailing servers, what was answered last. The pure core of QueryPool;
// time and randomness are arguments. One thread at a time.
#pragma once

#include <absl/time/time.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "operator/base/backoff.h"
#include "operator/base/clock.h"
#include "operator/base/result.h"
#include "operator/monitoring/query_source.h"

namespace headroom::monitoring {

struct QueryBookOptions {
  std::chrono::milliseconds interval{15'000};  ///< between two polls of one query, with a tenth of jitter
  /// Since it was last asked for: twice the planner's longest silence.
  std::chrono::milliseconds forget_after{1'200'000};
  std::size_t max_queries = 5'000;
  /// Of one region: a slow server must leave threads to the others.
  int max_in_flight = 2;
  /// One lost request is no news: the last answer stands until the next try has failed too.
  std::chrono::milliseconds second_try{1'000};
  /// While a server is away. Every dead one costs a thread its time-out once in this time.
  Backoff away{std::chrono::milliseconds(5'000), 2, std::chrono::milliseconds(60'000), 0.2};
};

class QueryBook {
 public:
  explicit QueryBook(QueryBookOptions options) : options_(options) {}

  /// What is known of `query`; from now on it is polled. `server` identifies the region's metrics settings: another one
  /// is tried at once. An answer older than `staleness` no longer counts.
  QuerySource::Answer ask(const std::string& region, const std::string& query, const std::string& server,
                          absl::Duration staleness, SteadyTime now);

  struct Poll {
    std::string region, query, server;
  };
  /// The next poll that is due, marked as under way; regions take turns.
  std::optional<Poll> take(SteadyTime now);
  /// The outcome of a poll. True when what ask() answers has changed.
  bool settle(const Poll& poll, const Result<double>& outcome, SteadyTime now, std::uint64_t random);
  /// Drops what nobody has asked for in a while.
  void forget_unused(SteadyTime now);
  /// When take() will next have something, as far as is known.
  std::optional<SteadyTime> next_due() const;
  std::size_t size() const { return size_; }

 private:
  struct Entry {
    SteadyTime due, asked_for;
    bool under_way = false;
    std::optional<SteadyTime> answered;
    std::optional<double> value;
    std::string problem;
  };
  struct Region {
    std::string server;
    std::map<std::string, Entry> entries;
    std::set<std::pair<SteadyTime, std::string>> due;  ///< of entries that are not under way
    int in_flight = 0, failures = 0;
    SteadyTime not_before{};
    std::uint64_t turn = 0;
    std::string problem;  ///< of the server; empty while it answers
  };

  bool ready(const Region& region, SteadyTime now) const;
  void schedule(Region& region, const std::string& query, Entry& entry, SteadyTime due);
  bool server_failed(Region& region, const Error& error, SteadyTime now, std::uint64_t random);

  const QueryBookOptions options_;
  std::map<std::string, Region> regions_;
  std::size_t size_ = 0;
  std::uint64_t turns_ = 0;
};

}  // namespace headroom::monitoring
