#include "tests/webhook/good_client.h"

#include <chrono>

#include "tests/webhook/sample_review.h"

namespace headroom::webhook {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Far above what an answer takes, also under a sanitizer on a busy machine. The client itself waits no longer.
constexpr auto kUndisturbed = 10s;

}  // namespace

GoodClient::GoodClient(std::uint16_t port, const std::string& certificate_pem)
    : client_(port, net::RawClient::Tls::Newest, certificate_pem),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

bool GoodClient::is_served() {
  const int wanted = served_ + 2;  // one may have been under way
  for (const auto patience = Clock::now() + 2 * kUndisturbed; served_ < wanted && Clock::now() < patience;) {
    if (failed_) return false;
    std::this_thread::yield();
  }
  return served_ >= wanted && !failed_;
}

void GoodClient::run(const std::stop_token& stop) {
  const std::string review = net::post("/admit", sample_review().dump());
  while (!stop.stop_requested() && !failed_) {
    client_.send(review);
    if (!client_.response().ends_with("\"allowed\":true}}")) failed_ = true;
    ++served_;
  }
}

}  // namespace headroom::webhook
