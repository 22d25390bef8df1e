// A kube::Transport with one Lease behind it, as an API server keeps it: versions, conflicts, merge patches. It can be
// told to fail, to hang, or to lose answers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "operator/kube/transport.h"

namespace headroom::runtime {

class LeaseServer final : public kube::Transport {
 public:
  enum class Mood {
    Fine,
    Refusing,      ///< as if nobody listened
    Hanging,       ///< answers nothing until the caller gives up
    LosingAnswers  ///< does what it is asked and then hangs
  };
  void set_mood(Mood mood) {
    std::lock_guard lock(mutex_);
    mood_ = mood;
    changed_.notify_all();
  }
  std::optional<nlohmann::json> lease() const {
    std::lock_guard lock(mutex_);
    return lease_;
  }
  void set_lease(std::optional<nlohmann::json> lease) {
    std::lock_guard lock(mutex_);
    lease_ = std::move(lease);
    if (lease_) (*lease_)["metadata"]["resourceVersion"] = std::to_string(++version_);
  }
  int requests() const { return requests_; }
  int hanging() const { return hanging_; }

  Result<kube::Response> send(const kube::Request& request, std::stop_token stop) override {
    ++requests_;
    std::unique_lock lock(mutex_);
    if (mood_ == Mood::Refusing) return Error{ErrorCode::Unavailable, "connection refused", 0, {}};
    std::optional<kube::Response> answer;
    if (mood_ != Mood::Hanging) answer = serve(request);
    if (mood_ == Mood::Fine) return *answer;
    ++hanging_;
    changed_.wait_for(lock, stop, request.timeout, [] { return false; });
    --hanging_;
    return stop.stop_requested() ? Error{ErrorCode::Cancelled, "cancelled", 0, {}}
                                 : Error{ErrorCode::Timeout, "no answer", 0, {}};
  }
  Result<std::unique_ptr<kube::Stream>> open_stream(const kube::Request&, std::stop_token) override {
    return Error{ErrorCode::Internal, "no streams here", 0, {}};
  }

 private:
  static kube::Response status(int code, const std::string& reason) {
    return {code, nlohmann::json{{"kind", "Status"}, {"code", code}, {"reason", reason}}.dump(), {}};
  }

  kube::Response serve(const kube::Request& request) {
    if (request.method == kube::Method::Post) {
      if (lease_) return status(409, "AlreadyExists");
      lease_ = nlohmann::json::parse(request.body);
      (*lease_)["metadata"]["resourceVersion"] = std::to_string(++version_);
      return {201, lease_->dump(), {}};
    }
    if (!lease_) return status(404, "NotFound");
    if (request.method == kube::Method::Patch) {
      const nlohmann::json patch = nlohmann::json::parse(request.body);
      if (patch["metadata"]["resourceVersion"] != (*lease_)["metadata"]["resourceVersion"]) {
        return status(409, "Conflict");
      }
      lease_->merge_patch(patch);
      (*lease_)["metadata"]["resourceVersion"] = std::to_string(++version_);
    }
    return {200, lease_->dump(), {}};
  }

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Mood mood_ = Mood::Fine;
  std::optional<nlohmann::json> lease_;
  int version_ = 0;
  std::atomic<int> requests_{0}, hanging_{0};
};

}  // namespace headroom::runtime
