// A kube::Reader that answers from a script: lists and watches in the order in which they were laid down, then blocks
// until its stop token fires, as a quiet server would.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "operator/kube/client.h"

namespace headroom::runtime {

/// How a scripted stream goes on after its last line.
struct EndsNormally {};
struct StaysOpen {};  ///< silent until stopped; for the impatient, see FakeReader::impatient
using StreamEnding = std::variant<EndsNormally, StaysOpen, Error>;

struct ScriptedStream {
  std::vector<std::string> lines;
  StreamEnding ending = StaysOpen{};
};

class FakeReader final : public kube::Reader {
 public:
  using Watch = std::variant<ScriptedStream, Error>;

  void on_list(Result<kube::ListPage> page) {
    std::lock_guard lock(mutex_);
    pages_.push_back(std::move(page));
    changed_.notify_all();
  }
  void on_watch(Watch watch) {
    std::lock_guard lock(mutex_);
    watches_.push_back(std::move(watch));
    changed_.notify_all();
  }
  /// Silent streams answer Timeout at once instead of waiting for the idle bound.
  std::atomic<bool> impatient{false};

  std::vector<kube::ListOptions> lists() const {
    std::lock_guard lock(mutex_);
    return list_requests_;
  }
  std::vector<kube::WatchOptions> watches() const {
    std::lock_guard lock(mutex_);
    return watch_requests_;
  }
  std::vector<std::chrono::milliseconds> idle_bounds() const {
    std::lock_guard lock(mutex_);
    return idle_bounds_;
  }

  Result<nlohmann::json> get(const kube::ResourceType&, const api::ObjectKey&, std::stop_token,
                             const std::string&) override {
    return Error{ErrorCode::NotFound, "not scripted", 404, {}};
  }

  Result<kube::ListPage> list(const kube::ResourceType&, const std::string&, const kube::ListOptions& options,
                              std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    list_requests_.push_back(options);
    if (!changed_.wait(lock, stop, [this] { return !pages_.empty(); })) return cancelled();
    Result<kube::ListPage> page = std::move(pages_.front());
    pages_.pop_front();
    return page;
  }

  Result<std::unique_ptr<kube::Stream>> watch(const kube::ResourceType&, const std::string&,
                                              const kube::WatchOptions& options, std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    watch_requests_.push_back(options);
    if (!changed_.wait(lock, stop, [this] { return !watches_.empty(); })) return cancelled();
    Watch watch = std::move(watches_.front());
    watches_.pop_front();
    if (auto* error = std::get_if<Error>(&watch)) return std::move(*error);
    return std::unique_ptr<kube::Stream>(
        std::make_unique<FakeStream>(*this, std::get<ScriptedStream>(std::move(watch)), std::move(stop)));
  }

 private:
  class FakeStream final : public kube::Stream {
   public:
    FakeStream(FakeReader& reader, ScriptedStream script, std::stop_token stop)
        : reader_(reader), script_(std::move(script)), stop_(std::move(stop)) {}

    Result<std::optional<std::string>> read_line(std::chrono::milliseconds idle) override {
      if (next_ < script_.lines.size()) return std::optional(script_.lines[next_++]);
      if (std::holds_alternative<EndsNormally>(script_.ending)) return std::optional<std::string>();
      if (const auto* error = std::get_if<Error>(&script_.ending)) return *error;
      std::unique_lock lock(reader_.mutex_);
      reader_.idle_bounds_.push_back(idle);
      if (reader_.impatient) return Error{ErrorCode::Timeout, "nothing came", 0, {}};
      reader_.changed_.wait(lock, stop_, [] { return false; });
      return cancelled();
    }

   private:
    FakeReader& reader_;
    const ScriptedStream script_;
    const std::stop_token stop_;
    std::size_t next_ = 0;
  };

  static Error cancelled() { return Error{ErrorCode::Cancelled, "stopped", 0, {}}; }

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Result<kube::ListPage>> pages_;
  std::deque<Watch> watches_;
  std::vector<kube::ListOptions> list_requests_;
  std::vector<kube::WatchOptions> watch_requests_;
  std::vector<std::chrono::milliseconds> idle_bounds_;
};

}  // namespace headroom::runtime
