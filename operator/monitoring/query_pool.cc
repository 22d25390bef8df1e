#include "operator/monitoring/query_pool.h"

#include <absl/strings/str_cat.h>

#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "operator/base/log.h"
#include "operator/base/random_seed.h"
#include "operator/kube/cpprest_transport.h"
#include "operator/monitoring/metrics_connection.h"
#include "operator/monitoring/prometheus.h"

namespace headroom::monitoring {
namespace {

constexpr std::chrono::seconds kTidyInterval{60};

/// What makes a server another one.
std::string identity_of(const api::RegionMetrics& metrics) {
  const auto secret = [](const std::optional<api::SecretKeyRef>& ref) {
    return ref ? absl::StrCat(ref->ns, "/", ref->name, "/", ref->key) : std::string();
  };
  return absl::StrCat(metrics.url, "\n", metrics.tenant_header, "\n", secret(metrics.auth_secret), "\n",
                      secret(metrics.ca));
}

}  // namespace

struct QueryPool::Impl {
  Impl(QueryPoolHome home_in, std::function<void()> changed_in, QueryPoolSurroundings surroundings_in)
      : home(home_in),
        changed(std::move(changed_in)),
        surroundings(std::move(surroundings_in)),
        book(QueryBookOptions{.interval = home.interval, .forget_after = home.forget_after}),
        random(surroundings.seed != 0 ? surroundings.seed : random_seed()) {}

  const QueryPoolHome home;
  const std::function<void()> changed;
  const QueryPoolSurroundings surroundings;

  std::mutex mutex;
  std::condition_variable_any wake;
  QueryBook book;          // guarded by mutex
  SteadyTime tidied{};     // guarded by mutex
  std::uint64_t turn = 0;  // counts what may make a poll due earlier; guarded by mutex
  std::mt19937_64 random;  // guarded by mutex
  std::map<std::string, std::shared_ptr<MetricsConnection>> connections;  // guarded by mutex
  std::vector<std::jthread> threads;

  SteadyTime now() const { return surroundings.machine->steady_now(); }
  void run(const std::stop_token& stop);
  std::optional<QueryBook::Poll> next_poll(const std::stop_token& stop);
  Result<double> poll(const QueryBook::Poll& poll, const std::stop_token& stop);
  std::shared_ptr<MetricsConnection> connection(const std::string& region);
};

std::shared_ptr<MetricsConnection> QueryPool::Impl::connection(const std::string& region) {
  const std::lock_guard lock(mutex);
  auto& connection = connections[region];
  if (!connection) connection = std::make_shared<MetricsConnection>(home.secrets, surroundings.connect);
  return connection;
}

Result<double> QueryPool::Impl::poll(const QueryBook::Poll& poll, const std::stop_token& stop) {
  const auto region = home.regions.get({"", poll.region});
  if (!region || !region->spec.metrics) return invalid(absl::StrCat("Region ", poll.region, " has no spec.metrics"));
  const api::RegionMetrics& metrics = *region->spec.metrics;
  const auto way = connection(poll.region);
  auto connected = way->transport(metrics, now(), stop);
  if (!connected) {
    // Whatever stands between us and the server counts as the server being away.
    return Error{ErrorCode::Unavailable, connected.error().message, 0, {}};
  }
  InstantQuery query;
  query.expression = poll.query;
  query.tenant_header = metrics.tenant_header;
  query.staleness = metrics.staleness;
  auto value = ask_prometheus(*connected.value(), query, surroundings.machine->wall_now(), stop);
  if (!value && (value.error().code == ErrorCode::Unauthorized || value.error().code == ErrorCode::Forbidden)) {
    way->credentials_refused();
  }
  return value;
}

std::optional<QueryBook::Poll> QueryPool::Impl::next_poll(const std::stop_token& stop) {
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    if (now() - tidied >= kTidyInterval) {
      tidied = now();
      book.forget_unused(tidied);
    }
    if (auto due = book.take(now())) return due;
    const std::uint64_t seen = turn;
    const SteadyTime until = std::min(book.next_due().value_or(SteadyTime::max()), now() + kTidyInterval);
    wake.wait_for(lock, stop, std::max<std::chrono::nanoseconds>(until - now(), std::chrono::milliseconds(1)),
                  [&] { return turn != seen; });
  }
  return std::nullopt;
}

void QueryPool::Impl::run(const std::stop_token& stop) {
  while (const auto due = next_poll(stop)) {
    const Result<double> outcome = poll(*due, stop);
    if (stop.stop_requested()) return;
    if (!outcome) {
      log::debug("query without a value",
                 {{"region", due->region}, {"query", due->query}, {"error", outcome.error().message}});
    }
    home.metrics.add("headroom_queries_total", "PromQL queries asked, by outcome.",
                     {{"region", due->region}, {"result", outcome ? "value" : to_string(outcome.error().code)}});
    bool news = false;
    {
      const std::lock_guard lock(mutex);
      news = book.settle(*due, outcome, now(), random());
      ++turn;
      wake.notify_one();
    }
    if (news && changed) changed();
  }
}

QueryPool::QueryPool(QueryPoolHome home, std::function<void()> changed, QueryPoolSurroundings surroundings) {
  static const SystemClock kMachine;
  if (surroundings.machine == nullptr) surroundings.machine = &kMachine;
  if (!surroundings.connect) surroundings.connect = kube::make_transport;
  impl_ = std::make_unique<Impl>(home, std::move(changed), std::move(surroundings));
  for (int i = 0; i < impl_->surroundings.threads; ++i) {
    impl_->threads.emplace_back([this](const std::stop_token& stop) { impl_->run(stop); });
  }
}

QueryPool::~QueryPool() { stop(); }

QuerySource::Answer QueryPool::ask(const std::string& region_name, const std::string& query) {
  const auto region = impl_->home.regions.get({"", region_name});
  if (!region) {
    return {std::nullopt,
            absl::StrCat("there is no Region '", region_name,
                         "', so there is nobody to ask: create it and name its Prometheus in spec.metrics"),
            true};
  }
  if (!region->spec.metrics) {
    return {std::nullopt, absl::StrCat("Region ", region_name, " has no spec.metrics: name its Prometheus there"),
            true};
  }
  const std::lock_guard lock(impl_->mutex);
  const std::size_t before = impl_->book.size();
  Answer answer = impl_->book.ask(region_name, query, identity_of(*region->spec.metrics),
                                  region->spec.metrics->staleness, impl_->now());
  if (impl_->book.size() != before || !answer.asked) {
    ++impl_->turn;
    impl_->wake.notify_one();
  }
  return answer;
}

void QueryPool::stop() {
  for (std::jthread& thread : impl_->threads) thread.request_stop();
  impl_->threads.clear();
}

}  // namespace headroom::monitoring
