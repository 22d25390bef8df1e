#include "operator/runtime/events.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <stop_token>
#include <thread>
#include <utility>

#include "operator/base/backoff.h"
#include "operator/base/log.h"
#include "operator/runtime/event_series.h"

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;

/// On top of the client's own retries: an API server that restarts is back within this many.
constexpr int kAttempts = 4;
constexpr Backoff kRetry{milliseconds(1'000), 3, milliseconds(30'000), 0.2};

constexpr char kWritten[] = "headroom_events_total";
constexpr char kWrittenHelp[] = "Events written to the API server, by what was written.";
constexpr char kDropped[] = "headroom_events_dropped_total";
constexpr char kDroppedHelp[] = "Events that were not written, because too many waited or the API server refused.";

bool worth_retrying(ErrorCode code) {
  return code == ErrorCode::Unavailable || code == ErrorCode::Timeout || code == ErrorCode::TooManyRequests;
}

}  // namespace

struct ApiEventRecorder::Impl {
  Impl(std::shared_ptr<kube::Writer> writer_, EventReporter reporter_, const Clock& clock_, Metrics& metrics_,
       milliseconds give_way)
      : writer(std::move(writer_)),
        reporter(std::move(reporter_)),
        clock(clock_),
        metrics(metrics_),
        random(std::hash<std::string>{}(reporter.instance)),
        series(give_way) {
    for (const char* what : {"event", "series"}) metrics.add(kWritten, kWrittenHelp, {{"written", what}}, 0);
    for (const char* why : {"overflow", "failed"}) metrics.add(kDropped, kDroppedHelp, {{"reason", why}}, 0);
    thread = std::jthread([this] { run(); });
  }

  // Constant after construction.
  const std::shared_ptr<kube::Writer> writer;
  const EventReporter reporter;
  const Clock& clock;
  Metrics& metrics;

  // The writing thread's.
  std::mt19937_64 random;
  std::string last_failure;

  std::mutex mutex;  ///< guards what follows
  std::condition_variable_any changed;
  EventSeries series;
  bool draining = false;
  bool ended = false;

  std::stop_source end;
  std::jthread thread;  ///< last: uses all above

  void run() {
    const std::stop_token stop = end.get_token();
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      // At the end what would have been written together later is written now.
      const SteadyTime now = draining ? SteadyTime::max() : clock.steady_now();
      if (const std::optional<EventSeries::Write> write = series.next(now)) {
        lock.unlock();
        const EventSeries::Outcome outcome = send(*write, stop);
        lock.lock();
        series.done(outcome, clock.wall_now(), clock.steady_now());
      } else if (draining) {
        break;
      } else {
        wait_for_work(lock, stop);
      }
    }
    ended = true;
    changed.notify_all();
  }

  void wait_for_work(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
    const std::optional<SteadyTime> due = series.next_due();
    const auto news = [&] { return draining || series.next_due() != due; };
    if (due) {
      changed.wait_for(lock, stop, *due - clock.steady_now(), news);
    } else {
      changed.wait(lock, stop, news);
    }
  }

  EventSeries::Outcome send(const EventSeries::Write& write, const std::stop_token& stop) {
    for (int attempt = 0;; ++attempt) {
      const Result<nlohmann::json> answer =
          write.create ? writer->create(kube::types::kEvent, event_object(write.event, reporter), stop)
                       : writer->patch(kube::types::kEvent, event_key(write.event, reporter.instance),
                                       kube::PatchType::Merge, series_patch(write.event), stop);
      // A name is made of what the event says: one that exists is this event, created by an attempt whose answer was
      // lost.
      if (answer || (write.create && answer.error().code == ErrorCode::AlreadyExists)) {
        metrics.add(kWritten, kWrittenHelp, {{"written", write.create ? "event" : "series"}});
        last_failure.clear();
        return EventSeries::Outcome::Written;
      }
      const Error& error = answer.error();
      if (!write.create && error.code == ErrorCode::NotFound) return EventSeries::Outcome::Vanished;
      if (!worth_retrying(error.code) || attempt + 1 == kAttempts || !pause(attempt, error, stop)) {
        drop(write, error);
        return EventSeries::Outcome::Failed;
      }
    }
  }

  /// False when there is no time left for another attempt.
  bool pause(int attempt, const Error& error, const std::stop_token& stop) {
    const milliseconds wished = std::min(error.retry_after.value_or(milliseconds(0)), kRetry.max);
    std::unique_lock lock(mutex);
    changed.wait_for(lock, stop, std::max(kRetry.delay(attempt, random()), wished), [this] { return draining; });
    return !draining && !stop.stop_requested();
  }

  void drop(const EventSeries::Write& write, const Error& error) {
    metrics.add(kDropped, kDroppedHelp, {{"reason", "failed"}});
    if (error.message == last_failure) return;  // one line for a refusal that repeats
    last_failure = error.message;
    const EventSubject& subject = write.event.subject;
    log::warning("an event was dropped", {{"object", subject.kind + "/" + subject.key.to_string()},
                                          {"event", write.event.text.reason},
                                          {"reason", error.message}});
  }

  void stop(milliseconds drain) {
    {
      std::unique_lock lock(mutex);
      draining = true;
      changed.notify_all();
      changed.wait_for(lock, drain, [this] { return ended; });
    }
    end.request_stop();
    if (thread.joinable()) thread.join();
  }
};

ApiEventRecorder::ApiEventRecorder(std::shared_ptr<kube::Writer> writer, EventReporter reporter, const Clock& clock,
                                   Metrics& metrics, milliseconds give_way)
    : impl_(std::make_unique<Impl>(std::move(writer), std::move(reporter), clock, metrics, give_way)) {}

ApiEventRecorder::~ApiEventRecorder() { stop(milliseconds(0)); }

void ApiEventRecorder::record(const EventSubject& subject, const EventText& text) {
  bool accepted = false;
  {
    std::lock_guard lock(impl_->mutex);
    const std::optional<SteadyTime> due = impl_->series.next_due();
    accepted =
        !impl_->draining && impl_->series.record(subject, text, impl_->clock.wall_now(), impl_->clock.steady_now());
    if (impl_->series.next_due() != due) impl_->changed.notify_all();
  }
  if (!accepted) impl_->metrics.add(kDropped, kDroppedHelp, {{"reason", "overflow"}});
}

void ApiEventRecorder::stop(milliseconds drain) { impl_->stop(drain); }

}  // namespace headroom::runtime
