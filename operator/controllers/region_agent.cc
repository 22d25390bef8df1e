#include "operator/controllers/region_agent.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "operator/base/deadline.h"
#include "operator/controllers/cluster.h"
#include "operator/controllers/probe_rounds.h"
#include "operator/controllers/region_parameters.h"
#include "operator/monitoring/region_patience.h"

namespace headroom::controllers {
namespace {

/// A cluster does not tell when it is lost or back; the agent looks this often.
constexpr std::chrono::seconds kLook{2};
/// Drift of a ConfigMap is repaired within this time.
constexpr std::chrono::seconds kParametersInterval{60};
constexpr std::chrono::seconds kParametersRetry{10};

}  // namespace

struct RegionAgent::Impl {
  Impl(std::string region_in, const api::RegionStatus& stored, std::unique_ptr<Prober> prober_in, const Clock& clock_in,
       std::function<void()> changed_in)
      : region(std::move(region_in)),
        prober(std::move(prober_in)),
        clock(clock_in),
        changed(std::move(changed_in)),
        rounds(stored) {
    latest.healthy = rounds.healthy();
    latest.probes = stored.probes;
  }

  const std::string region;
  const std::unique_ptr<Prober> prober;
  const Clock& clock;
  const std::function<void()> changed;

  mutable std::mutex mutex;
  std::condition_variable_any wake;
  api::RegionSpec spec;  // guarded by mutex, as all below
  std::shared_ptr<Cluster> cluster;
  std::uint64_t version = 0;  ///< of spec and cluster
  RegionReport latest;

  // The agent's thread only.
  ProbeRounds rounds;
  std::uint64_t seen = 0;
  SteadyTime parameters_due{};

  std::jthread thread;

  void run(const std::stop_token& stop);
  void wait(const std::stop_token& stop);
  bool pass(const api::RegionSpec& now_spec, const std::shared_ptr<Cluster>& now_cluster, const std::stop_token& stop);
  bool parameters(const api::RegionSpec& now_spec, Cluster* now_cluster, RegionReport& report,
                  const std::stop_token& stop);
};

void RegionAgent::Impl::wait(const std::stop_token& stop) {
  std::unique_lock lock(mutex);
  const SteadyTime now = clock.steady_now();
  const SteadyTime due = std::min({rounds.next_due().value_or(SteadyTime::max()), now + kLook,
                                   std::max(parameters_due, now + std::chrono::milliseconds(1))});
  wake.wait_for(lock, stop, std::max<std::chrono::nanoseconds>(due - now, std::chrono::milliseconds(1)),
                [this] { return version != seen; });
}

bool RegionAgent::Impl::parameters(const api::RegionSpec& now_spec, Cluster* now_cluster, RegionReport& report,
                                   const std::stop_token& stop) {
  const SteadyTime now = clock.steady_now();
  if (now < parameters_due) return false;
  if (now_cluster == nullptr || !report.reachable) {
    parameters_due = now + kLook;
    return false;
  }
  const Deadline deadline(monitoring::kRegionPatience, stop);
  const auto left = write_parameters(*now_cluster->client(), region, now_spec, deadline.token());
  std::vector<std::string> problems;
  if (left) {
    problems = left.value();
  } else if (const Error error = deadline.judge(left.error()); error.code != ErrorCode::Cancelled) {
    problems.push_back(error.message);
  }
  const bool written = left && problems.empty();
  const bool gone = written && now_spec.parameter_namespaces.empty();
  // Without namespaces there is nothing that could drift; one pass has removed what a former spec left.
  if (gone) {
    parameters_due = SteadyTime::max();
  } else {
    parameters_due = now + (written ? kParametersInterval : kParametersRetry);
  }
  const bool news =
      problems != report.parameter_problems || written != report.parameters_written || gone != report.parameters_gone;
  report.parameter_problems = std::move(problems);
  report.parameters_written = written;
  report.parameters_gone = gone;
  return news;
}

bool RegionAgent::Impl::pass(const api::RegionSpec& now_spec, const std::shared_ptr<Cluster>& now_cluster,
                             const std::stop_token& stop) {
  RegionReport report;
  {
    const std::lock_guard lock(mutex);
    report = latest;
  }
  const SteadyTime now = clock.steady_now();
  const bool reachable = now_cluster && now_cluster->health().reachable;
  bool news = report.reachable != reachable;
  report.reachable = reachable;
  rounds.set_spec(now_spec.health, now);
  news = rounds.run_due(*prober, now_cluster, now, clock.wall_now(), stop) || news;
  news = parameters(now_spec, now_cluster.get(), report, stop) || news;
  report.probes = rounds.statuses();
  report.healthy = rounds.healthy();
  news = news || report.health_message != rounds.verdict().message;
  report.health_message = rounds.verdict().message;
  const std::lock_guard lock(mutex);
  latest = std::move(report);
  return news;
}

void RegionAgent::Impl::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    api::RegionSpec now_spec;
    std::shared_ptr<Cluster> now_cluster;
    {
      const std::lock_guard lock(mutex);
      if (version != seen) parameters_due = SteadyTime{};
      seen = version;
      now_spec = spec;
      now_cluster = cluster;
    }
    if (pass(now_spec, now_cluster, stop) && !stop.stop_requested() && changed) changed();
    wait(stop);
  }
}

RegionAgent::RegionAgent(std::string region, const api::RegionStatus& stored, std::unique_ptr<Prober> prober,
                         const Clock& clock, std::function<void()> changed)
    : impl_(std::make_unique<Impl>(std::move(region), stored, std::move(prober), clock, std::move(changed))) {}

RegionAgent::~RegionAgent() { stop(); }

void RegionAgent::update(const api::RegionSpec& spec, std::shared_ptr<Cluster> cluster) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->version > 0 && impl_->spec == spec && impl_->cluster == cluster) return;
  impl_->spec = spec;
  impl_->cluster = std::move(cluster);
  impl_->latest.parameters_gone = false;
  ++impl_->version;
  impl_->wake.notify_all();
  if (!impl_->thread.joinable()) {
    impl_->thread = std::jthread([impl = impl_.get()](const std::stop_token& stop) { impl->run(stop); });
  }
}

RegionReport RegionAgent::report() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->latest;
}

void RegionAgent::stop() {
  impl_->thread.request_stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace headroom::controllers
