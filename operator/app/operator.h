// The whole operator in one object: the composition root that main.cc and the end-to-end tests share. A test embeds it
// with a fake clock against a real API server.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>

#include "operator/base/clock.h"
#include "operator/controllers/options.h"
#include "operator/kube/client.h"
#include "operator/kube/config.h"

namespace headroom::app {

class Operator {
 public:
  Operator(controllers::OperatorOptions options, kube::ClusterConfig home, const Clock& clock);
  ~Operator();

  /// Serves health and metrics, fills caches, competes for the lease, and reconciles while it holds it. Returns when
  /// everything has been started.
  Status start();
  /// Ordered and bounded: no new work, running work drains, the lease is given back.
  void stop();
  /// Caches are filled and, with leader election, a leader is known.
  bool ready() const;
  bool leading() const;
  std::uint16_t port() const;
  /// Blocks until a plan made at or after the wall clock's present time has been carried out as far as it can be: every
  /// target settled or obstructed, every status written. For tests and the demonstration.
  bool wait_settled(std::chrono::milliseconds timeout);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::app
