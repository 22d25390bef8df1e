#include "operator/kube/request_runner.h"

#include <algorithm>
#include <utility>

#include "operator/kube/status_error.h"

namespace headroom::kube {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

Error cancelled(const Request& request) {
  return Error{ErrorCode::Cancelled, describe(request) + " was stopped", 0, {}};
}

}  // namespace

bool may_repeat(Purpose purpose, const Error& error) {
  switch (error.code) {
    case ErrorCode::TooManyRequests:
      return true;
    case ErrorCode::Unavailable:
      // A server that answers 500, 502 or 504 may have done the work; 503 and a connection that never carried the
      // whole request mean it did not.
      return purpose == Purpose::Read || error.http_status == 503 || error.http_status == 0;
    case ErrorCode::Timeout:
      return purpose == Purpose::Read;
    default:
      return false;
  }
}

RequestRunner::RequestRunner(std::shared_ptr<Transport> transport, const ClientLimits& limits, std::uint64_t seed,
                             std::shared_ptr<Timing> timing)
    : transport_(std::move(transport)),
      limits_(limits),
      timing_(timing != nullptr ? std::move(timing) : std::make_shared<SteadyTiming>()),
      in_flight_(limits.max_in_flight),
      bucket_(limits.requests_per_second, limits.burst),
      random_(seed) {}

Status RequestRunner::wait_for_turn(const std::stop_token& stop) {
  std::chrono::nanoseconds wait;
  {
    const std::lock_guard lock(mutex_);
    wait = bucket_.take(timing_->now(), limits_.request_timeout);
  }
  if (wait < std::chrono::nanoseconds::zero()) {
    return Error{ErrorCode::Unavailable,
                 "more requests are waiting than requests_per_second lets through before the deadline", 0,
                 limits_.request_timeout};
  }
  if (wait > std::chrono::nanoseconds::zero() && !timing_->pause(wait, stop)) {
    return Error{ErrorCode::Cancelled, "stopped while waiting for the rate limit", 0, {}};
  }
  return ok();
}

void RequestRunner::observe(Method method, int status, SteadyTime started) const {
  if (observer_) observer_(method, status, duration_cast<microseconds>(timing_->now() - started));
}

Result<Response> RequestRunner::attempt(const Request& request, Purpose purpose, const std::stop_token& stop) {
  const Result<InFlight::Slot> slot = in_flight_.acquire(limits_.request_timeout, stop);
  if (!slot) return slot.error();
  BOOST_OUTCOME_TRYV(wait_for_turn(stop));
  // Last: whatever was waited for, the lease must hold now.
  if (purpose == Purpose::Write && gate_) {
    BOOST_OUTCOME_TRYV(gate_());
  }
  const SteadyTime started = timing_->now();
  Result<Response> response = transport_->send(request, stop);
  observe(request.method, response ? response.value().status : 0, started);
  return response;
}

milliseconds RequestRunner::delay_after(const Error& error, int attempt) {
  std::uint64_t random = 0;
  {
    const std::lock_guard lock(mutex_);
    random = random_();
  }
  const milliseconds backoff = limits_.backoff.delay(attempt, random);
  if (!error.retry_after) return backoff;
  // Everybody who was turned away got the same wish: come back spread out.
  const milliseconds spread = limits_.backoff.delay(0, random);
  return std::max(backoff, *error.retry_after + spread);
}

Result<Response> RequestRunner::run(Request request, Purpose purpose, const std::stop_token& stop) {
  request.timeout = limits_.request_timeout;
  const SteadyTime end = timing_->now() + limits_.retry_for;
  for (int attempts = 0;; ++attempts) {
    if (stop.stop_requested()) return cancelled(request);
    Result<Response> response = attempt(request, purpose, stop);
    if (response && response.value().status >= 200 && response.value().status < 300) return response;
    Error error = response ? error_from_response(response.value(), describe(request)) : std::move(response).error();
    if (!may_repeat(purpose, error)) return error;
    const milliseconds delay = delay_after(error, attempts);
    if (timing_->now() + delay >= end) {
      if (attempts > 0) error.message += " (after " + std::to_string(attempts + 1) + " attempts)";
      return error;
    }
    if (!timing_->pause(delay, stop)) return cancelled(request);
  }
}

Result<Response> RequestRunner::run_once(Request request, const std::stop_token& stop) {
  request.timeout = limits_.request_timeout;
  return attempt(request, Purpose::Read, stop);
}

Result<std::unique_ptr<Stream>> RequestRunner::open(Request request, const std::stop_token& stop) {
  request.timeout = limits_.request_timeout;
  BOOST_OUTCOME_TRYV(wait_for_turn(stop));
  const SteadyTime started = timing_->now();
  Result<std::unique_ptr<Stream>> stream = transport_->open_stream(request, stop);
  observe(request.method, stream ? 200 : stream.error().http_status, started);
  return stream;
}

}  // namespace headroom::kube
