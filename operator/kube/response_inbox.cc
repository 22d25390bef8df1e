#include "operator/kube/response_inbox.h"

#include <algorithm>
#include <utility>

namespace headroom::kube {

ResponseInbox::ResponseInbox(std::size_t most_bytes, std::size_t pause_above)
    : most_bytes_(most_bytes), pause_above_(pause_above) {}

void ResponseInbox::begin(int status, std::optional<std::chrono::milliseconds> retry_after) {
  {
    const std::lock_guard lock(mutex_);
    status_ = status;
    retry_after_ = retry_after;
    last_byte_ = std::chrono::steady_clock::now();
  }
  if (!whole()) changed_.notify_all();
}

void ResponseInbox::append(std::string_view bytes, std::function<void()>& resume) {
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_ || ended_) return;
    last_byte_ = std::chrono::steady_clock::now();
    data_ += bytes;
    if (!whole()) line_ends_ += static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
    const std::size_t waiting = data_.size() - start_;
    if (whole()) {
      if (waiting <= most_bytes_) return;
      data_ = std::string();
      ended_ = true;
      failure_ = WireFailure{WireFailure::Stage::TooLarge, 0, ""};
    } else if (line_ends_ == 0) {
      // The reader sees the endless line and says so.
      if (waiting > most_bytes_) resume_ = std::exchange(resume, nullptr);
    } else if (waiting > pause_above_) {
      resume_ = std::exchange(resume, nullptr);
    }
  }
  changed_.notify_all();
}

void ResponseInbox::end(std::optional<WireFailure> failure) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = true;
    failure_ = std::move(failure);
  }
  changed_.notify_all();
}

ResponseInbox::Waited ResponseInbox::wait_for_headers(SteadyTime deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_until(lock, stop, deadline, [this] { return ended_ || status_ != 0; })) return Waited::Done;
  return stop.stop_requested() ? Waited::Stopped : Waited::TimedOut;
}

ResponseInbox::Waited ResponseInbox::wait_for_end(SteadyTime deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_until(lock, stop, deadline, [this] { return ended_; })) return Waited::Done;
  return stop.stop_requested() ? Waited::Stopped : Waited::TimedOut;
}

int ResponseInbox::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

std::optional<std::chrono::milliseconds> ResponseInbox::retry_after() const {
  const std::lock_guard lock(mutex_);
  return retry_after_;
}

std::optional<WireFailure> ResponseInbox::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::string ResponseInbox::take_body() {
  const std::lock_guard lock(mutex_);
  return std::exchange(data_, std::string());
}

std::string ResponseInbox::cut_line(std::size_t end) {
  const bool carriage_return = end > start_ && data_[end - 1] == '\r';
  std::string line = data_.substr(start_, end - start_ - (carriage_return ? 1 : 0));
  start_ = std::min(end + 1, data_.size());
  scanned_ = start_;
  constexpr std::size_t kWorthMoving = std::size_t{64} << 10U;
  constexpr std::size_t kWorthReturning = std::size_t{1} << 20U;
  if (start_ == data_.size() || (start_ > kWorthMoving && start_ > data_.size() / 2)) {
    data_.erase(0, start_);
    start_ = scanned_ = 0;
    if (data_.capacity() > kWorthReturning && data_.size() < kWorthMoving) data_.shrink_to_fit();
  }
  return line;
}

std::optional<ResponseInbox::Line> ResponseInbox::line_ready() {
  const std::size_t end = data_.find('\n', std::max(start_, scanned_));
  if (end != std::string::npos) {
    --line_ends_;
    return Line{Line::Kind::Text, cut_line(end)};
  }
  scanned_ = data_.size();
  if (data_.size() - start_ > most_bytes_) return Line{Line::Kind::TooLong, {}};
  if (!ended_) return std::nullopt;
  if (failure_) return Line{Line::Kind::Failed, {}};
  // A last line may lack its end.
  if (start_ < data_.size()) return Line{Line::Kind::Text, cut_line(data_.size())};
  return Line{Line::Kind::End, {}};
}

ResponseInbox::Line ResponseInbox::next_line(std::chrono::milliseconds idle, const std::stop_token& stop) {
  std::optional<Line> line;
  std::function<void()> resume;
  {
    std::unique_lock lock(mutex_);
    const SteadyTime asked = std::chrono::steady_clock::now();
    while (!(line = line_ready())) {
      const SteadyTime deadline = std::max(asked, last_byte_) + idle;
      const std::size_t seen = data_.size();
      const bool news =
          changed_.wait_until(lock, stop, deadline, [this, seen] { return ended_ || data_.size() != seen; });
      if (news) continue;
      line = Line{stop.stop_requested() ? Line::Kind::Stopped : Line::Kind::Idle, {}};
      break;
    }
    if (stop.stop_requested()) line = Line{Line::Kind::Stopped, {}};
    // With no whole line left the rest of a line is needed, however much of it is here.
    const bool room = line_ends_ == 0 || data_.size() - start_ <= pause_above_ / 2;
    if (resume_ && room) resume = std::exchange(resume_, nullptr);
  }
  if (resume) resume();
  return *std::move(line);
}

void ResponseInbox::abandon() {
  std::function<void()> resume;
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    data_ = std::string();
    start_ = scanned_ = line_ends_ = 0;
    resume = std::exchange(resume_, nullptr);
  }
  if (resume) resume();
}

}  // namespace headroom::kube
