#include "webhook/app/review_meter.h"

#include <algorithm>
#include <chrono>

namespace headroom::webhook {

ReviewMeter::ReviewMeter(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) counts_.emplace_back().path = path;
}

ReviewMeter::Counts* ReviewMeter::counts_of(const net::HttpRequest& request) {
  const auto counts = std::ranges::find(counts_, request.path(), &Counts::path);
  return counts == counts_.end() ? nullptr : &*counts;
}

void ReviewMeter::begins(const net::HttpRequest& request) {
  if (Counts* const counts = counts_of(request)) counts->in_flight.fetch_add(1, std::memory_order_relaxed);
}

void ReviewMeter::ends(const net::HttpRequest& request, int status, std::chrono::nanoseconds took) {
  Counts* const counts = counts_of(request);
  if (counts == nullptr) return;
  const double seconds = std::chrono::duration<double>(took).count();
  const auto bucket = static_cast<std::size_t>(std::ranges::lower_bound(kBounds, seconds) - kBounds.begin());
  const auto known = std::ranges::find(kCodes, status == 0 ? 503 : status);
  const auto code =
      static_cast<std::size_t>((known == kCodes.end() ? std::ranges::find(kCodes, 500) : known) - kCodes.begin());
  counts->buckets[bucket].fetch_add(1, std::memory_order_relaxed);
  counts->codes[code].fetch_add(1, std::memory_order_relaxed);
  counts->nanoseconds.fetch_add(static_cast<std::uint64_t>(took.count()), std::memory_order_relaxed);
  counts->in_flight.fetch_sub(1, std::memory_order_relaxed);
}

void ReviewMeter::expose(runtime::Exposition& scrape) const {
  for (const Counts& counts : counts_) {
    const std::vector<std::uint64_t> buckets(counts.buckets.begin(), counts.buckets.end());
    scrape.histogram("controller_runtime_webhook_latency_seconds", "How long admission requests take, by path",
                     {{"webhook", counts.path}}, kBounds, buckets, static_cast<double>(counts.nanoseconds) * 1e-9);
    for (std::size_t i = 0; i < kCodes.size(); ++i) {
      scrape.counter("controller_runtime_webhook_requests_total", "Admission requests by path and status of the answer",
                     {{"webhook", counts.path}, {"code", std::to_string(kCodes[i])}},
                     static_cast<double>(counts.codes[i]));
    }
    scrape.gauge("controller_runtime_webhook_requests_in_flight", "Admission requests that wait for their answer",
                 {{"webhook", counts.path}}, static_cast<double>(counts.in_flight));
  }
}

}  // namespace headroom::webhook
