// Where the bytes of one response wait for their reader: filled by the network's thread, emptied by the caller's. Holds
// back the network when a reader of lines is slow. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "operator/base/clock.h"
#include "operator/kube/wire_failure.h"

namespace headroom::kube {

class ResponseInbox {
 public:
  /// `most_bytes`: of a body that is taken whole, or of one line. `pause_above`: whole lines of so many bytes waiting
  /// make the network wait; 0: it never waits.
  ResponseInbox(std::size_t most_bytes, std::size_t pause_above);

  // --- the network's side ---

  void begin(int status, std::optional<std::chrono::milliseconds> retry_after);
  /// When `resume` comes back empty it was kept: it is called, from a reader's thread, when there is room for more.
  /// More than the limit ends the response as TooLarge; what comes after the end or abandon() is thrown away.
  void append(std::string_view bytes, std::function<void()>& resume);
  /// The body is complete, or will never be. The first call counts.
  void end(std::optional<WireFailure> failure);

  // --- the reader's side ---

  enum class Waited { Done, TimedOut, Stopped };
  /// Until status and headers are here, or the request has failed. Of a body that is taken whole nobody is woken before
  /// its end: a waiter that wakes at every piece costs more than reading it.
  Waited wait_for_headers(SteadyTime deadline, const std::stop_token& stop);
  /// Until the body is complete or the request has failed.
  Waited wait_for_end(SteadyTime deadline, const std::stop_token& stop);
  /// The status; 0 while no headers have come.
  int status() const;
  std::optional<std::chrono::milliseconds> retry_after() const;
  std::optional<WireFailure> failure() const;
  std::string take_body();

  struct Line {
    enum class Kind { Text, End, Failed, TooLong, Idle, Stopped };
    Kind kind = Kind::End;
    std::string text;
  };
  /// The next line; Idle when no byte has come for `idle`.
  Line next_line(std::chrono::milliseconds idle, const std::stop_token& stop);

  /// Nobody will read any more: what still comes is thrown away, and the network is let go.
  void abandon();

 private:
  bool whole() const { return pause_above_ == 0; }
  std::optional<Line> line_ready();
  std::string cut_line(std::size_t end);

  const std::size_t most_bytes_, pause_above_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_.
  std::string data_;
  std::size_t start_ = 0;    ///< what is before it was read
  std::size_t scanned_ = 0;  ///< there is no line end between start_ and here
  std::size_t line_ends_ = 0;
  int status_ = 0;
  std::optional<std::chrono::milliseconds> retry_after_;
  bool ended_ = false, abandoned_ = false;
  std::optional<WireFailure> failure_;
  SteadyTime last_byte_{};
  std::function<void()> resume_;
};

}  // namespace headroom::kube
