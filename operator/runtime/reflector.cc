#include "operator/runtime/reflector.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <utility>
#include <variant>

#include "operator/base/log.h"
#include "operator/runtime/watch_event.h"
#include "operator/runtime/watch_machine.h"

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;

/// On top of the time-out asked of the server: a stream silent for longer has lost its peer.
constexpr std::chrono::seconds kIdleGrace{5};

}  // namespace

struct Reflector::Impl {
  Impl(std::shared_ptr<kube::Reader> reader_, ReflectorOptions options_, std::unique_ptr<ObjectSink> sink_,
       std::function<void(const api::ObjectKey&)> changed_, const Clock& clock_, std::uint64_t seed)
      : reader(std::move(reader_)),
        options(std::move(options_)),
        sink(std::move(sink_)),
        changed(std::move(changed_)),
        clock(clock_),
        random(seed) {}

  // Constant after construction.
  const std::shared_ptr<kube::Reader> reader;
  const ReflectorOptions options;
  const std::unique_ptr<ObjectSink> sink;
  const std::function<void(const api::ObjectKey&)> changed;
  const Clock& clock;

  // The reflector's thread only.
  std::mt19937_64 random;
  std::unique_ptr<kube::Stream> stream;
  SteadyTime stream_opened{};
  milliseconds stream_idle{0};
  int stream_events = 0;

  mutable std::mutex mutex;  ///< guards what follows
  mutable std::condition_variable_any state_changed;
  ReflectorHealth state{.synced = false, .stale = true, .last_contact = {}, .last_error = {}, .failing_since = {}};
  bool ended = false;
  std::stop_source life;  ///< ends with `stop`, or earlier to begin anew

  std::stop_source stop;
  std::jthread thread;

  void run() {
    while (!stop.stop_requested()) {
      live(begin_life());
      stream.reset();
      sink->discard_listed();
    }
    std::lock_guard lock(mutex);
    ended = true;
    state.stale = true;
    state_changed.notify_all();
  }

  std::stop_token begin_life() {
    std::lock_guard lock(mutex);
    life = std::stop_source();
    if (stop.stop_requested()) life.request_stop();
    return life.get_token();
  }

  void end_life() {
    std::stop_source ending(std::nostopstate);
    {
      std::lock_guard lock(mutex);
      ending = life;
    }
    ending.request_stop();  // runs the callbacks of whoever waits
    std::lock_guard lock(mutex);
    state_changed.notify_all();
  }

  void live(const std::stop_token& token) {
    WatchStep step = start_watch();
    while (!token.stop_requested()) {
      std::optional<WatchInput> input;
      for (const WatchOutput& output : step.outputs) {
        input = std::visit([&](const auto& todo) { return perform(todo, token); }, output);
        if (token.stop_requested()) break;
      }
      while (!input && !token.stop_requested()) input = read_event(token);
      if (token.stop_requested()) break;
      step = step_watch(step.state, *input, options.backoff, random());
    }
  }

  // --- what the machine asks for; an input comes back where the outside world answered ---

  std::optional<WatchInput> perform(const FetchPage& fetch, const std::stop_token& token) {
    kube::ListOptions list;
    list.label_selector = options.label_selector;
    list.field_selector = options.field_selector;
    list.limit = fetch.unpaged ? 0 : options.page_size;
    list.continue_token = fetch.continue_token;
    list.metadata_only = options.metadata_only;
    if (fetch.continue_token.empty()) sink->list_begins();
    Result<kube::ListPage> page = reader->list(options.type, options.ns, list, token);
    if (!page) {
      failed("list", page.error());
      return list_failure(page.error());
    }
    contact();
    if (fetch.continue_token.empty()) sink->list_is_at(page.value().resource_version);
    for (nlohmann::json& object : page.value().items) {
      sink->listed(object);
      object = nullptr;  // frees each document at once: a page of them is the operator's largest allocation
    }
    return PageArrived{page.value().continue_token, page.value().resource_version};
  }

  std::optional<WatchInput> perform(const OpenWatch& open, const std::stop_token& token) {
    kube::WatchOptions watch;
    watch.label_selector = options.label_selector;
    watch.field_selector = options.field_selector;
    watch.resource_version = open.from;
    watch.metadata_only = options.metadata_only;
    // Drawn anew each time, so that the watches of many processes do not all come back to the server together.
    const std::int64_t longest = std::max<std::int64_t>(options.watch_timeout.count(), 1);
    watch.timeout =
        std::chrono::seconds(std::uniform_int_distribution<std::int64_t>((longest + 1) / 2, longest)(random));
    stream_opened = clock.steady_now();
    stream_idle = watch.timeout + kIdleGrace;
    stream_events = 0;
    Result<std::unique_ptr<kube::Stream>> opened = reader->watch(options.type, options.ns, watch, token);
    if (!opened) {
      failed("watch", opened.error());
      return watch_failure(opened.error());
    }
    contact();
    stream = std::move(opened).value();
    return std::nullopt;
  }

  std::optional<WatchInput> perform(const CommitList&, const std::stop_token&) {
    const std::vector<api::ObjectKey> keys = sink->commit_listed();
    {
      std::lock_guard lock(mutex);
      state.synced = true;
      state_changed.notify_all();
    }
    for (const api::ObjectKey& key : keys) changed(key);
    return std::nullopt;
  }

  std::optional<WatchInput> perform(const DiscardPages&, const std::stop_token&) {
    sink->discard_listed();
    return std::nullopt;
  }

  std::optional<WatchInput> perform(const Wait& wait, const std::stop_token& token) {
    std::unique_lock lock(mutex);
    state_changed.wait_for(lock, token, wait.delay, [] { return false; });
    return std::nullopt;
  }

  // --- the open stream ---

  /// Empty when the line said nothing (a blank one).
  std::optional<WatchInput> read_event(const std::stop_token&) {
    Result<std::optional<std::string>> line = stream->read_line(stream_idle);
    if (!line || !line.value()) return end_stream(line);
    if (line.value()->empty()) return std::nullopt;
    Result<WatchEvent> event = decode_watch_event(*line.value());
    line.value()->clear();
    line.value()->shrink_to_fit();
    if (!event) {
      stream.reset();
      failed("watch", event.error());
      return WatchFailed{/*unclassified=*/true, {}};
    }
    contact();
    return std::visit([this](auto& what) { return received(what); }, event.value());
  }

  WatchInput received(const ObjectApplied& event) {
    ++stream_events;
    changed(sink->applied(event.object));
    return EventArrived{event.at};
  }
  WatchInput received(const ObjectDeleted& event) {
    ++stream_events;
    changed(sink->deleted(event.object));
    return EventArrived{event.at};
  }
  WatchInput received(const Bookmark& bookmark) {
    ++stream_events;
    sink->progress(bookmark.at);
    return bookmark;
  }
  WatchInput received(const StatusReceived& status) {
    stream.reset();
    failed("watch", Error{ErrorCode::Unavailable, status.message, 0, {}});
    return status.input;
  }

  WatchInput end_stream(const Result<std::optional<std::string>>& line) {
    stream.reset();
    StreamEnded end;
    end.lasted = std::chrono::duration_cast<milliseconds>(clock.steady_now() - stream_opened);
    end.events = stream_events;
    if (line) return end;
    failed("watch", line.error());
    end.timed_out = line.error().code == ErrorCode::Timeout;
    // A connection that breaks is the end of a stream like any other; anything else is not understood.
    if (end.timed_out || line.error().code == ErrorCode::Unavailable) return end;
    return watch_failure(line.error());
  }

  // --- health ---

  void contact() {
    std::lock_guard lock(mutex);
    state.last_contact = clock.steady_now();
    state.stale = false;
    state.last_error.clear();
    state.failing_since.reset();
    state.refused = false;
  }

  void failed(const char* verb, const Error& error) {
    if (error.code == ErrorCode::Cancelled) return;
    bool news = false;
    {
      std::lock_guard lock(mutex);
      news = state.last_error != error.message;
      state.stale = true;
      state.last_error = error.message;
      if (!state.failing_since) state.failing_since = clock.steady_now();
      state.refused = error.code == ErrorCode::Forbidden || error.code == ErrorCode::NotFound;
    }
    // The same failure again is no news: a server that is away for an hour gets one line, not hundreds.
    if (news) {
      log::warning("list or watch was interrupted and will be tried again",
                   {{"resource", options.type.to_string()}, {"verb", verb}, {"reason", error.message}});
    }
  }
};

Reflector::Reflector(std::shared_ptr<kube::Reader> reader, ReflectorOptions options, std::unique_ptr<ObjectSink> sink,
                     std::function<void(const api::ObjectKey&)> changed, const Clock& clock, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(std::move(reader), std::move(options), std::move(sink), std::move(changed), clock,
                                   seed)) {}

Reflector::~Reflector() {
  request_stop();
  join();
}

void Reflector::start() {
  if (impl_->thread.joinable()) return;
  impl_->thread = std::jthread([impl = impl_.get()] { impl->run(); });
}

void Reflector::begin_anew() { impl_->end_life(); }

void Reflector::request_stop() {
  impl_->stop.request_stop();
  impl_->end_life();
}

void Reflector::join() {
  if (impl_->thread.joinable()) impl_->thread.join();
}

ReflectorHealth Reflector::health() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->state;
}

bool ReflectorHealth::hopeless(SteadyTime now) const {
  constexpr std::chrono::seconds kWorthWaitingFor{30};
  return refused || (failing_since && *failing_since + kWorthWaitingFor <= now);
}

bool Reflector::wait_synced(milliseconds timeout) const {
  std::unique_lock lock(impl_->mutex);
  impl_->state_changed.wait_for(lock, impl_->stop.get_token(), timeout,
                                [this] { return impl_->state.synced || impl_->ended; });
  return impl_->state.synced;
}

}  // namespace headroom::runtime
