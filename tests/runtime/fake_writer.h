// A kube::Writer that keeps what is written and answers as it is told.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "operator/kube/client.h"

namespace headroom::runtime {

class FakeWriter final : public kube::Writer {
 public:
  struct Written {
    std::string verb;  ///< "create", "patch"
    api::ObjectKey key;
    nlohmann::json body;
  };

  /// The next write is answered with `error`; without one all succeed.
  void fail_next(Error error) {
    std::lock_guard lock(mutex_);
    failures_.push_back(std::move(error));
  }
  /// Writes wait until the next allow(), or until they are cancelled.
  void block() {
    std::lock_guard lock(mutex_);
    blocked_ = true;
  }
  void allow() {
    std::lock_guard lock(mutex_);
    blocked_ = false;
    changed_.notify_all();
  }
  /// What was asked for, failed ones included.
  std::vector<Written> writes() const {
    std::lock_guard lock(mutex_);
    return writes_;
  }

  Result<nlohmann::json> create(const kube::ResourceType&, const nlohmann::json& object, std::stop_token stop,
                                const kube::WriteOptions&) override {
    const nlohmann::json& metadata = object.at("metadata");
    return written({"create", {metadata.value("namespace", ""), metadata.at("name")}, object}, stop);
  }
  Result<nlohmann::json> patch(const kube::ResourceType&, const api::ObjectKey& key, kube::PatchType,
                               const nlohmann::json& patch, std::stop_token stop, const kube::WriteOptions&) override {
    return written({"patch", key, patch}, stop);
  }
  Result<nlohmann::json> update(const kube::ResourceType&, const nlohmann::json& object, std::stop_token,
                                const kube::WriteOptions&) override {
    return object;
  }
  Status remove(const kube::ResourceType&, const api::ObjectKey&, const Preconditions&, std::stop_token) override {
    return ok();
  }

 private:
  Result<nlohmann::json> written(Written write, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    writes_.push_back(write);
    if (!changed_.wait(lock, stop, [this] { return !blocked_; })) {
      return Error{ErrorCode::Cancelled, "cancelled", 0, {}};
    }
    if (failures_.empty()) return write.body;
    Error error = std::move(failures_.front());
    failures_.pop_front();
    return error;
  }

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool blocked_ = false;
  std::deque<Error> failures_;
  std::vector<Written> writes_;
};

}  // namespace headroom::runtime
