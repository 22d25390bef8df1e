// Keeps one region's trouble from taking the workers that others need: a region gets at most its share of them, and a
// single one while it does not answer. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "operator/base/clock.h"

namespace headroom::controllers {

class RegionGate {
 public:
  explicit RegionGate(int workers) : workers_(workers) {}

  /// Leave to work with a region, given back at the end of its life.
  class Pass {
   public:
    Pass(RegionGate& gate, std::string region) : gate_(&gate), region_(std::move(region)) {}
    Pass(Pass&& other) noexcept : gate_(other.gate_), region_(std::move(other.region_)) { other.gate_ = nullptr; }
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->leave(region_);
    }

    /// What came of it: whether the region answered.
    void answered(bool did, SteadyTime now) { gate_->note(region_, did, now); }

   private:
    RegionGate* gate_;
    std::string region_;
  };

  /// Empty: the region has its share in work already; come back soon.
  std::optional<Pass> enter(const std::string& region, SteadyTime now);

 private:
  struct Load {
    int working = 0;
    SteadyTime entered{};
    std::optional<SteadyTime> silent_since;
  };

  void leave(const std::string& region);
  void note(const std::string& region, bool answered, SteadyTime now);
  bool others_work(const std::string& region, SteadyTime now) const;

  const int workers_;
  std::mutex mutex_;
  std::map<std::string, Load> loads_;  // guarded by mutex_
};

}  // namespace headroom::controllers
