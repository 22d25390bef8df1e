#include "operator/base/deadline.h"

#include <absl/strings/str_cat.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace headroom {
namespace {

/// Asks sources to stop when their time has come.
class Timekeeper {
 public:
  static Timekeeper& instance() {
    static Timekeeper keeper;
    return keeper;
  }

  /// The entry's number, for remove().
  std::uint64_t add(SteadyTime due, const std::stop_source& source) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t entry = ++last_entry_;
    const auto place = sources_.emplace(std::pair(due, entry), source).first;
    // Patience is mostly of one length, so that a newcomer is rarely the first to end and nobody has to wake.
    if (place == sources_.begin()) earlier_.notify_one();
    return entry;
  }

  void remove(SteadyTime due, std::uint64_t entry) {
    const std::lock_guard lock(mutex_);
    sources_.erase({due, entry});
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (sources_.empty()) {
        earlier_.wait(lock, stop, [this] { return !sources_.empty(); });
        continue;
      }
      const auto first = sources_.begin();
      const auto [due, entry] = first->first;
      if (std::chrono::steady_clock::now() < due) {
        earlier_.wait_until(lock, stop, due, [this, entry = entry] {
          return sources_.empty() || sources_.begin()->first.second != entry;
        });
        continue;
      }
      std::stop_source late = std::move(first->second);
      sources_.erase(first);
      lock.unlock();
      late.request_stop();  // runs others' callbacks
      lock.lock();
    }
  }

  std::mutex mutex_;  ///< guards what follows
  std::condition_variable_any earlier_;
  std::map<std::pair<SteadyTime, std::uint64_t>, std::stop_source> sources_;  ///< ascending by time
  std::uint64_t last_entry_ = 0;
  std::jthread thread_{[this](const std::stop_token& stop) { run(stop); }};  ///< last: uses all above
};

}  // namespace

Deadline::Deadline(std::chrono::milliseconds patience, const std::stop_token& parent)
    : patience_(patience),
      parent_(parent),
      follow_parent_(parent, [this] { source_.request_stop(); }),
      due_(std::chrono::steady_clock::now() + patience),
      entry_(Timekeeper::instance().add(due_, source_)) {}

Deadline::~Deadline() { Timekeeper::instance().remove(due_, entry_); }

Error Deadline::judge(Error error) const {
  const bool ours = error.code == ErrorCode::Cancelled && source_.stop_requested() && !parent_.stop_requested();
  if (!ours) return error;
  error.code = ErrorCode::Timeout;
  error.message = absl::StrCat("no answer within ", patience_.count(), " ms");
  return error;
}

}  // namespace headroom
