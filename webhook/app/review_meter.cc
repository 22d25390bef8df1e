#include "webhook/app/review_meter.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace headroom::webhook {

/// One review on its way; answered once, by whoever has the Responder.
class ReviewMeter::Sink final : public net::ResponseSink {
 public:
  Sink(const Clock& clock, Counts& counts, net::Responder responder)
      : clock_(clock), counts_(counts), began_(clock.steady_now()), responder_(std::move(responder)) {
    ++counts_.in_flight;
  }

  void answer(std::uint64_t, net::HttpResponse response) override {
    const int status = responder_.gone() ? 503 : response.status;
    responder_.answer(std::move(response));
    const auto took = clock_.steady_now() - began_;
    const double seconds = std::chrono::duration<double>(took).count();
    ++counts_.buckets[static_cast<std::size_t>(std::ranges::lower_bound(kBounds, seconds) - kBounds.begin())];
    const auto code = std::ranges::find(kCodes, status);
    ++counts_.codes[static_cast<std::size_t>((code == kCodes.end() ? std::ranges::find(kCodes, 500) : code) -
                                             kCodes.begin())];
    counts_.nanoseconds +=
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
    --counts_.in_flight;
  }
  bool gone(std::uint64_t) const override { return responder_.gone(); }

 private:
  const Clock& clock_;
  Counts& counts_;
  const SteadyTime began_;
  net::Responder responder_;
};

ReviewMeter::ReviewMeter(const Clock& clock, const std::vector<std::string>& paths) : clock_(clock) {
  for (const std::string& path : paths) counts_.emplace_back().path = path;
}

net::Responder ReviewMeter::measured(std::string_view path, net::Responder responder) {
  const auto counts = std::ranges::find(counts_, path, &Counts::path);
  if (counts == counts_.end()) return responder;
  return {std::make_shared<Sink>(clock_, *counts, std::move(responder)), 0};
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
