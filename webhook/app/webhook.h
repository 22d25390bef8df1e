// The whole webhook in one object: the composition root that main.cc and tests share.
#pragma once

#include <cstdint>
#include <memory>

#include "operator/base/clock.h"
#include "operator/base/result.h"
#include "operator/kube/config.h"
#include "webhook/app/options.h"

namespace headroom::webhook {

class Webhook {
 public:
  Webhook(WebhookOptions options, kube::ClusterConfig home, const Clock& clock);
  ~Webhook();

  /// Serves, fills caches and takes the Lease. Returns when everything has been started, before it is ready.
  Status start();
  /// Ordered and bounded: not ready, gives back what is unspent, drains, waits a little for what is in flight, ends.
  void stop();
  /// Certificate, caches and Lease are there.
  bool ready() const;
  std::uint16_t port() const;
  std::uint16_t health_port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::webhook
