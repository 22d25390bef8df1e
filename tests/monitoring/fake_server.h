// A server that answers by function: Prometheus, Alertmanager, a webhook, a probed endpoint. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "operator/monitoring/transport_factory.h"

namespace headroom::monitoring {

class FakeServer final : public kube::Transport {
 public:
  using Answer = std::function<Result<kube::Response>(const kube::Request&, const std::stop_token&)>;
  explicit FakeServer(Answer answer) : answer_(std::move(answer)) {}

  Result<kube::Response> send(const kube::Request& request, std::stop_token stop) override {
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      answer = answer_;
    }
    return answer(request, stop);
  }
  Result<std::unique_ptr<kube::Stream>> open_stream(const kube::Request& /*request*/,
                                                    std::stop_token /*stop*/) override {
    return Error{ErrorCode::Internal, "no streams here", 0, {}};
  }

  void set_answer(Answer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  std::vector<kube::Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  Answer answer_;                        // guarded by mutex_
  std::vector<kube::Request> requests_;  // guarded by mutex_
};

/// Every address leads to `server`; how it was connected to is kept in `seen`, guarded by the caller's patience: read
/// it after something has been answered.
struct OneServer {
  explicit OneServer(FakeServer::Answer answer) : server(std::make_shared<FakeServer>(std::move(answer))) {}
  std::shared_ptr<FakeServer> server;
  std::mutex mutex;
  std::vector<kube::ClusterConfig> seen;

  TransportFactory factory() {
    return [this](const kube::ClusterConfig& config) -> Result<std::shared_ptr<kube::Transport>> {
      const std::lock_guard lock(mutex);
      seen.push_back(config);
      return std::shared_ptr<kube::Transport>(server);
    };
  }
  std::vector<kube::ClusterConfig> connections() {
    const std::lock_guard lock(mutex);
    return seen;
  }
};

}  // namespace headroom::monitoring
