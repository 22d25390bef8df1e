// A client that does everything right, as a witness of what others do to the server.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "tests/net/raw_client.h"

namespace headroom::webhook {

/// Sends sample_review() over one TLS connection, again and again, from a thread of its own, and wants to be allowed.
class GoodClient {
 public:
  GoodClient(std::uint16_t port, const std::string& certificate_pem);

  /// Waits until a review that was sent from now on has been answered. False when any review so far was answered wrong
  /// or not within ten seconds.
  bool is_served();

 private:
  void run(const std::stop_token& stop);

  net::RawClient client_;
  std::atomic<int> served_{0};
  std::atomic<bool> failed_{false};
  std::jthread thread_;
};

}  // namespace headroom::webhook
