#include "operator/runtime/manager.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>
#include <utility>

#include "operator/base/log.h"

namespace headroom::runtime {

using std::chrono::milliseconds;

Manager::Manager(const Clock& clock) : clock_(clock) {}

void Manager::add(Component component) { components_.push_back(std::move(component)); }

Status Manager::start(milliseconds drain) {
  for (; started_ < components_.size(); ++started_) {
    const Component& component = components_[started_];
    log::debug("starting", {{"component", component.name}});
    if (Status status = component.start(); !status) {
      Error error = with_context(status.error(), component.name);
      stop(drain);
      return error;
    }
  }
  return ok();
}

void Manager::stop(milliseconds drain) {
  const SteadyTime deadline = clock_.steady_now() + drain;
  while (started_ > 0) {
    const Component& component = components_[--started_];
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - clock_.steady_now());
    log::debug("stopping", {{"component", component.name}});
    component.stop(std::max(left, milliseconds(0)));
  }
}

struct TerminationSignals::Impl {
  sigset_t watched{};
  sigset_t former{};
  std::stop_source stop;
  mutable std::mutex mutex;
  mutable std::condition_variable_any changed;
  std::jthread thread;

  void run(const std::stop_token& end) {
    bool asked = false;
    for (;;) {
      int signal = 0;
      if (sigwait(&watched, &signal) != 0 || end.stop_requested()) return;
      if (asked) {
        log::error("second signal: ending without a drain", {{"signal", std::to_string(signal)}});
        _exit(1);
      }
      asked = true;
      log::info("signal: shutting down", {{"signal", std::to_string(signal)}});
      request_stop();
    }
  }

  void request_stop() {
    stop.request_stop();
    std::lock_guard lock(mutex);
    changed.notify_all();
  }
};

TerminationSignals::TerminationSignals() : impl_(std::make_unique<Impl>()) {
  sigemptyset(&impl_->watched);
  sigaddset(&impl_->watched, SIGTERM);
  sigaddset(&impl_->watched, SIGINT);
  pthread_sigmask(SIG_BLOCK, &impl_->watched, &impl_->former);
  impl_->thread = std::jthread([impl = impl_.get()](const std::stop_token& end) { impl->run(end); });
}

TerminationSignals::~TerminationSignals() {
  impl_->thread.request_stop();
  pthread_kill(impl_->thread.native_handle(), SIGINT);  // to this thread only: it wakes and sees that it is to end
  impl_->thread.join();
  pthread_sigmask(SIG_SETMASK, &impl_->former, nullptr);
}

std::stop_token TerminationSignals::token() const { return impl_->stop.get_token(); }

void TerminationSignals::wait() const {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [this] { return impl_->stop.stop_requested(); });
}

void TerminationSignals::request_stop() { impl_->request_stop(); }

}  // namespace headroom::runtime
