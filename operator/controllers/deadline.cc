#include "operator/controllers/deadline.h"

#include <absl/strings/str_cat.h>

#include <functional>
#include <utility>

namespace headroom::controllers {

Deadline::Deadline(std::chrono::milliseconds patience, const std::stop_token& parent)
    : patience_(patience), parent_(parent), follow_parent_(parent, [this] { source_.request_stop(); }) {
  timer_ = std::jthread([this](const std::stop_token& done) {
    std::unique_lock lock(mutex_);
    over_.wait_for(lock, done, patience_, [] { return false; });
    if (!done.stop_requested()) source_.request_stop();
  });
}

Deadline::~Deadline() {
  timer_.request_stop();
  timer_.join();
}

Error Deadline::judge(Error error) const {
  const bool ours = error.code == ErrorCode::Cancelled && source_.stop_requested() && !parent_.stop_requested();
  if (!ours) return error;
  error.code = ErrorCode::Timeout;
  error.message = absl::StrCat("no answer within ", patience_.count(), " ms");
  return error;
}

}  // namespace headroom::controllers
