// How many reviews were answered, with which HTTP status and after how long, under controller-runtime's names. Counted
// without a lock: every review passes here.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "operator/net/http_server.h"
#include "operator/runtime/exposition.h"

namespace headroom::webhook {

/// Thread-safe.
class ReviewMeter final : public net::RequestObserver {
 public:
  /// Upper bounds of buckets, in seconds; the API server waits five.
  static constexpr std::array kBounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0};
  /// The server's own; whatever else there may be counts as 500. 503: an answer came too late, or the client had gone.
  static constexpr std::array kCodes{200, 400, 405, 415, 500, 503};

  explicit ReviewMeter(const std::vector<std::string>& paths);

  /// Requests of other paths than those above are not counted.
  void begins(const net::HttpRequest& request) override;
  void ends(const net::HttpRequest& request, int status, std::chrono::nanoseconds took) override;

  /// controller_runtime_webhook_latency_seconds, _requests_total and _requests_in_flight, by path.
  void expose(runtime::Exposition& scrape) const;

 private:
  struct Counts {
    std::string path;
    std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> buckets{};  ///< of each alone; last: beyond all
    std::array<std::atomic<std::uint64_t>, kCodes.size()> codes{};
    std::atomic<std::uint64_t> nanoseconds{0};
    std::atomic<std::int64_t> in_flight{0};
  };

  Counts* counts_of(const net::HttpRequest& request);

  std::deque<Counts> counts_;
};

}  // namespace headroom::webhook
