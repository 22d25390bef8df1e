#include "tests/e2e/steady_writers.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/kube/cpprest_transport.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr int kWriters = 8;
constexpr int kObjects = 4, kChanges = 8;  ///< of each writer; of each object between its creation and its end
constexpr std::size_t kMostMessages = 20;

Status status_of(const Result<json>& result) {
  if (result) return ok();
  return result.error();
}

}  // namespace

SteadyWriters::SteadyWriters(const kube::ClusterConfig& home, std::string ns, int writes_per_second,
                             kube::ResourceType type)
    : home_(home), ns_(std::move(ns)), type_(std::move(type)) {
  for (int i = 0; i < kWriters; ++i) {
    threads_.emplace_back(
        [this, i, writes_per_second](const std::stop_token& stop) { write(i, writes_per_second, stop); });
  }
}

void SteadyWriters::stop() {
  for (std::jthread& one : threads_) one.request_stop();
  threads_.clear();
}

std::string SteadyWriters::what_failed() const {
  const std::lock_guard lock(mutex_);
  std::string all;
  for (const auto& [message, times] : messages_) absl::StrAppend(&all, times, ": ", message, "\n");
  return all;
}

void SteadyWriters::tell(const Status& outcome, steady_clock::time_point begun) {
  ++writes_;
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begun).count();
  int slowest = slowest_ms_;
  while (slowest < took && !slowest_ms_.compare_exchange_weak(slowest, static_cast<int>(took))) {
  }
  if (outcome) return;
  ++failures_;
  const std::lock_guard lock(mutex_);
  if (messages_.size() < kMostMessages) {
    ++messages_[absl::StrCat(absl::FormatTime("%H:%M:%E3S ", absl::Now(), absl::UTCTimeZone()),
                             outcome.error().http_status, " ", outcome.error().message)];
  }
}

void SteadyWriters::write(int writer, int writes_per_second, const std::stop_token& stop) {
  kube::ClientLimits impatient;
  impatient.retry_for = std::chrono::milliseconds(0);
  kube::Client client(kube::make_transport(home_).value(), impatient, static_cast<std::uint64_t>(writer));
  const bool is_artifact = type_.kind == kArtifact.kind;
  const auto content = [&](int size) {
    if (is_artifact) return json{{"spec", {{"size", size}}}};
    return json{{"data", {{"size", std::to_string(size)}}}};
  };
  const auto pause = std::chrono::nanoseconds(std::chrono::seconds(1)) * kWriters / writes_per_second;
  auto next = steady_clock::now() + pause * writer / kWriters;
  for (int turn = 0; !stop.stop_requested(); ++turn) {
    std::this_thread::sleep_until(next);
    next = std::max(next + pause, steady_clock::now());
    const std::string name = absl::StrCat("w", writer, "-", turn % kObjects);
    const int step = turn / kObjects % (kChanges + 2);
    const auto begun = steady_clock::now();
    if (step == 0) {
      json object = content(1);
      object["apiVersion"] = type_.api_version();
      object["kind"] = type_.kind;
      object["metadata"] = {{"namespace", ns_}, {"name", name}};
      tell(status_of(client.create(type_, object, {})), begun);
    } else if (step <= kChanges) {
      tell(status_of(client.patch(type_, {ns_, name}, kube::PatchType::Merge, content(1 + turn), {})), begun);
    } else {
      tell(client.remove(type_, {ns_, name}, {}, {}), begun);
    }
  }
}

}  // namespace headroom::e2e
