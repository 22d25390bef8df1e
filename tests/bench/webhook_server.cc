// The webhook's server alone, to be measured: TLS, HTTP, parsing, a decision of the real engine with its ledger, the
// answer, its count in the metrics. The API server that the engine asks and watches is in this process: it swaps
// ledgers at once, and shows each write that was let through 200 reviews later, on the server's one thread. Limits: a
// count and two sums with plenty of room, and a cap of the size, over 100,000 Deployments.
//
// Usage: webhook_server CERTIFICATE KEY; prints its port, and ends on SIGTERM.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "tests/bench/deployment_reviews.h"
#include "webhook/app/engine.h"
#include "webhook/app/moment.h"
#include "webhook/app/review_meter.h"
#include "webhook/app/webhook_configuration.h"

namespace {

using namespace headroom;
using namespace headroom::webhook;
using nlohmann::json;

// Writes that were let through and not yet seen, at any time: 10 ms of 20,000 a second.
constexpr std::size_t kInFlight = 200;
constexpr limits::Revision kFirstRevision = 1'000'000'000'000'000;

std::shared_ptr<const api::ScaleLimit> a_limit() {
  const json object = {
      {"apiVersion", "headroom.dev/v1alpha1"},
      {"kind", "ScaleLimit"},
      {"metadata", {{"namespace", "shop"}, {"name", "everything"}, {"uid", "u-1"}, {"generation", 1}}},
      {"spec",
       {{"match", {{"resources", json::array({{{"group", "apps"}, {"version", "v1"}, {"resource", "deployments"}}})}}},
        {"object", {{"maxBytes", 1 << 20}}},
        {"total",
         {{"count", 1'000'000'000},
          {"sums", json::array({{{"name", "replicas"}, {"path", ".spec.replicas"}, {"hard", "1P"}},
                                {{"name", "memory"},
                                 {"path", ".spec.template.spec.containers[*].resources.requests.memory"},
                                 {"hard", "1E"}}})}}}}}};
  return std::make_shared<const api::ScaleLimit>(api::scale_limit_from_json(object).value());
}

/// What the engine asks of the API server, answered at once.
class Store {
 public:
  Store()
      : engine_(
            {"bench", 1}, {}, machine_moment, [this](const Task& task) { perform(task); }, metrics_) {
    const LimitChange change = book_.update({a_limit()}, {});
    type_ = change.types.front();
    engine_.adopt(change);
    perform(ListTask{type_});
    engine_.lease_held_until(absl::InfiniteDuration());
    timer_ = std::jthread([this](const std::stop_token& stop) { engine_.keep_time(stop); });
  }

  void decide(const Review& review, ReviewResponder responder) {
    limits::AskedWrite write;
    write.operation = api::Operation::Update;
    write.group = review.resource.group;
    write.version = review.resource.version;
    write.resource = review.resource.resource;
    write.sub_resource = review.sub_resource;
    write.ns = review.ns;
    write.name = review.name;
    write.object = review.object;
    write.old_object = review.old_object;
    engine_.decide(write, review.dry_run, std::move(responder));
    landing_.push_back({bench::number_of(review.name), limits::parse_revision(review.old_object->resource_version())});
    land();
  }

 private:
  struct Landing {
    std::uint32_t number;
    limits::Revision replaces;
  };

  TypeSource source() const { return {type_.id, type_.bodies}; }

  void perform(const Task& task) {
    std::visit([this](const auto& one) { perform(one); }, task);
  }
  void perform(const SwapTask& task) {
    limits::LedgerRecord record = task.swap.record;
    record.resource_version = std::to_string(++versions_);
    {
      const std::lock_guard lock(mutex_);
      record_ = record;
    }
    engine_.swapped(task, limits::SwapOutcome::Landed, std::move(record));
  }
  void perform(const ReadLedgerTask& task) {
    std::unique_lock lock(mutex_);
    limits::LedgerRecord record = record_;
    lock.unlock();
    engine_.ledger_read(task, std::move(record));
  }
  void perform(const ReadRevisionTask& task) { engine_.revision_read(task, revision_.load()); }
  void perform(const ReadNameTask& task) { engine_.name_read(task, true); }
  void perform(const ReadHolderTask& task) { engine_.holder_read(task, false); }
  void perform(const ListTask& task) {
    const auto list = engine_.begin_list(source());
    bench::StoredDeployment stored;
    for (std::uint32_t number = 0; number < bench::kDeployments; ++number) {
      stored.become(number, kFirstRevision);
      list->add(stored.object());
    }
    engine_.commit_list(*list, kFirstRevision);
    engine_.list_ended(task);
  }

  // What was let through a while ago is seen in the watch.
  void land() {
    if (landing_.size() < kInFlight) return;
    const Landing one = landing_.front();
    landing_.pop_front();
    revision_ = std::max(revision_ + 1, one.replaces + 1);
    landed_.become(one.number, static_cast<std::uint64_t>(revision_.load()));
    engine_.applied(source(), landed_.object());
  }

  runtime::Metrics metrics_;
  LimitBook book_{{}};
  WatchedType type_;
  std::atomic<limits::Revision> revision_{kFirstRevision};
  std::atomic<std::uint64_t> versions_{0};
  bench::StoredDeployment landed_;
  std::deque<Landing> landing_;
  std::mutex mutex_;  // the engine's timer may swap, too
  limits::LedgerRecord record_;

  Engine engine_;
  std::jthread timer_;
};

std::string content_of(const char* file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s CERTIFICATE KEY\n", argv[0]);
    return 2;
  }
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  Store store;
  net::ServerOptions options;
  options.address = "127.0.0.1";
  options.certificate_pem = content_of(argv[1]);
  options.key_pem = content_of(argv[2]);
  ReviewMeter meter({kReviewPath});
  options.observer = &meter;
  const auto server = net::HttpServer::start(std::move(options),
                                             review_endpoint([&store](const Review& review, ReviewResponder responder) {
                                               store.decide(review, std::move(responder));
                                             }));
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  std::printf("%d\n", server.value()->port());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ending, &signal);
  server.value()->stop(std::chrono::seconds(1));
  return 0;
}
