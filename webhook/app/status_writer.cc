#include "webhook/app/status_writer.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <tuple>

#include "operator/base/duration.h"
#include "operator/base/log.h"
#include "operator/validation/limits.h"
#include "webhook/app/flow_report.h"
#include "webhook/app/limit_watches.h"
#include "webhook/app/moment.h"

namespace headroom::webhook {
namespace {

using std::chrono::milliseconds;
using Kind = api::LimitDimension::Kind;

constexpr milliseconds kRound{250};
// One after the other, a few milliseconds each; more wait for the next round.
constexpr std::size_t kMostWrites = 50;
// Each makes every replica read the limit again.
constexpr Backoff kTellDenials{milliseconds(5'000), 1, milliseconds(10'000), 0.5};
constexpr Backoff kAfterFailure{milliseconds(500), 2, milliseconds(30'000), 0.2};

runtime::ElectionOptions election(const StatusWriterOptions& options) {
  const milliseconds lease = absl::ToChronoMilliseconds(options.lease_life);
  return {options.ns, api::kWebhookStatusLease, options.identity, lease, lease * 2 / 3, lease * 2 / 15};
}

std::string resource_name(const api::MatchedResource& resource) {
  return resource.group.empty() ? resource.resource : absl::StrCat(resource.resource, ".", resource.group);
}

std::vector<limits::DimensionUse> use_of(const LimitFigures& figures, const std::vector<FlowReport>& flows,
                                         const std::vector<ObservedFigure>& observed) {
  std::vector<limits::DimensionUse> use;
  std::size_t counted = 0, asked = 0;
  for (const api::LimitDimension& dimension : api::dimensions_of(figures.limit->limit().spec)) {
    limits::DimensionUse& one = use.emplace_back();
    if (dimension.kind == Kind::Rate || dimension.kind == Kind::Concurrency) {
      one.used = flow_used(figures.limit->limit(), dimension.kind, flows);
      continue;
    }
    if (dimension.kind == Kind::Observed) one.used = observed[asked++].used;
    if (dimension.kind != Kind::Count && dimension.kind != Kind::Sum) continue;
    const std::size_t place = counted++;
    one.held = Quantity::from_nano(figures.held[place]);
    if (figures.unlisted.empty()) one.used = Quantity::from_nano(figures.used[place]);
  }
  return use;
}

}  // namespace

StatusWriter::StatusWriter(StatusWriterOptions options, std::shared_ptr<kube::Client> client,
                           std::shared_ptr<kube::Client> election, Engine& engine, const ReplicaLeases& replicas,
                           const OwnKinds& own_kinds, monitoring::QuerySource& queries, runtime::EventRecorder& events,
                           runtime::Metrics& metrics, const Clock& clock, std::function<void()> lacking,
                           std::uint64_t seed)
    : options_(std::move(options)),
      client_(std::move(client)),
      election_client_(std::move(election)),
      engine_(engine),
      replicas_(replicas),
      own_kinds_(own_kinds),
      events_(events),
      metrics_(metrics),
      clock_(clock),
      lacking_(std::move(lacking)),
      seed_(seed),
      book_(options_.request_deadline, options_.address.excluded_namespaces),
      observed_(queries),
      configuration_(options_.configuration, options_.address) {}

StatusWriter::~StatusWriter() { stop(); }

void StatusWriter::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void StatusWriter::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void StatusWriter::adopted(std::shared_ptr<const limits::LimitSet> limits) {
  engine_.denials().retain(*limits);
  std::lock_guard lock(mutex_);
  GenerationLog generations = *told_.generations;
  generations.adopt(*limits);
  told_.generations = std::make_shared<const GenerationLog>(std::move(generations));
  told_.limits = std::move(limits);
  changed_.notify_all();
}

void StatusWriter::applied(const limits::LimitSet& limits, const nlohmann::json& configuration) {
  std::lock_guard lock(mutex_);
  AppliedConfigurations next = told_.applied.configurations ? *told_.applied.configurations : AppliedConfigurations();
  next.add(limits, configuration);
  told_.applied = {std::make_shared<const AppliedConfigurations>(std::move(next)), machine_moment().boot};
}

void StatusWriter::covered(const limits::LimitSet& limits) {
  std::lock_guard lock(mutex_);
  if (!told_.applied.configurations) return;
  AppliedConfigurations next = *told_.applied.configurations;
  next.add(limits, next.latest());
  told_.applied.configurations = std::make_shared<const AppliedConfigurations>(std::move(next));
}

void StatusWriter::set_watch_problems(std::map<limits::TypeId, std::string> problems) {
  std::lock_guard lock(mutex_);
  told_.watch_problems = std::move(problems);
}

// --- the thread ---

void StatusWriter::lead() {
  lost_ = false;
  elector_ = std::make_unique<runtime::LeaderElector>(
      election_client_, election(options_), clock_,
      [this] {
        log::info("writing the statuses of limits", {{"identity", options_.identity}});
      },
      [this] { lost_ = true; }, ++seed_);
  elector_->start();
}

bool StatusWriter::leads() {
  if (lost_) {
    // An elector leads once in its life; a replica goes on without leading.
    log::warning("another replica may write the statuses of limits from now on");
    elector_.reset();
    book_.hand_over();
    configuration_.forget();
    lead();
  }
  const bool leads = elector_->holds_lease();
  leading_ = leads;
  metrics_.leading(api::kWebhookStatusLease, leads);
  return leads;
}

void StatusWriter::run(const std::stop_token& stop) {
  std::minstd_rand random(static_cast<std::minstd_rand::result_type>(seed_));
  lead();
  while (!stop.stop_requested()) {
    const milliseconds pause = failures_ == 0 ? kRound : kAfterFailure.delay(failures_ - 1, random());
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, pause, [] { return false; });
    }
    if (stop.stop_requested()) break;
    if (leads()) {
      round(stop);
    } else if (clock_.steady_now() >= tell_denials_at_) {
      tell_denials(stop);
      tell_denials_at_ = clock_.steady_now() + kTellDenials.delay(0, random());
    }
  }
  elector_->stop(true);
}

void StatusWriter::tell_denials(const std::stop_token& stop) {
  std::shared_ptr<const limits::LimitSet> limits;
  {
    std::lock_guard lock(mutex_);
    limits = told_.limits;
  }
  if (!limits) return;
  std::size_t writes = 0;
  for (const LimitPtr& limit : limits->limits()) {
    const api::ScaleLimit& object = limit->limit();
    if (object.meta.deleted || object.status.observed_generation == 0) continue;
    const std::vector<api::DenialStatus> denials = engine_.denials().take(object);
    if (denials.empty()) continue;
    api::ScaleLimitStatus status;
    status.denials = added_denials(object.status.denials, denials);
    const nlohmann::json patch = {{"metadata", {{"resourceVersion", object.meta.resource_version}}},
                                  {"status", {{"denials", api::to_json(status).at("denials")}}}};
    const auto stored = client_->patch(kube::types::limit_type(object.kind), object.meta.key(), kube::PatchType::Merge,
                                       patch, stop, {.dry_run = false, .force = false, .subresource = "status"});
    if (!stored) engine_.denials().put_back(object, denials);
    if (++writes == kMostWrites || stop.stop_requested()) return;
  }
}

void StatusWriter::read_configuration(const std::stop_token& stop) {
  const limits::BootTime now = machine_moment().boot;
  if (!configuration_.due(now)) return;
  auto read = client_->get(kube::types::kValidatingWebhookConfiguration, {"", configuration_.name()}, stop);
  if (read) return configuration_.was_read(std::move(read).value(), now);
  if (read.error().code == ErrorCode::NotFound) return configuration_.was_read(std::nullopt, now);
  log::warning("the webhook configuration cannot be read", {{"error", read.error().message}});
  configuration_.is_unknown(now);
}

std::optional<LimitObservation> StatusWriter::observe(const LimitPtr& limit, const Surroundings& round) {
  const Told& told = round.told;
  const auto known = engine_.figures(limit->id());
  // The engine may know the limit as it is by now, with other dimensions.
  if (!known || known->limit != limit) return std::nullopt;
  const LimitFigures& figures = *known;
  LimitObservation observation;
  EnforcementFacts& facts = observation.enforcement;
  const api::ScaleLimit& object = limit->limit();
  const auto other = other_versions_.find(object.meta.uid);
  if (other != other_versions_.end()) observation.other_version = other->second;
  configuration_.observe(limit, told.applied, !observation.other_version.empty(), facts);
  const auto needed = told.generations->needed(object);
  facts.replicas = round.live.size();
  for (const LiveReplica& replica : round.live) {
    if (!needed || replica.seen.of(object.kind) < *needed) facts.replicas_behind.push_back(replica.name);
  }
  facts.ledger = figures.ledger;
  if (figures.epoch > 0) facts.founded = std::max(facts.founded, absl::FromUnixMicros(figures.epoch));
  const limits::Moment now = machine_moment();
  if (const auto moment = book_.secure_from(limit, now.boot)) facts.secured = engine_.secured(limit->id(), *moment);
  observation.observed = observed_.of(object, round.regions ? &*round.regions : nullptr, now.boot);
  observation.use = use_of(figures, round.flows, observation.observed);
  for (std::size_t i = 0; i < limit->types().size(); ++i) {
    if (std::ranges::find(figures.unlisted, limit->types()[i]) == figures.unlisted.end()) continue;
    observation.uncounted.push_back(resource_name(object.spec.match.resources[i]));
    const auto problem = told.watch_problems.find(limit->types()[i]);
    if (problem != told.watch_problems.end()) observation.count_problem = problem->second;
  }
  for (const std::size_t resource : limit->scaled_blindly()) {
    observation.scaled_blindly.push_back(resource_name(object.spec.match.resources[resource]));
  }
  observation.unlanded = unlanded_under(object, round.unlanded);
  observation.denials = engine_.denials().take(object);
  return observation;
}

void StatusWriter::look_through(const Told& told) {
  if (looked_through_ == told.limits) return;
  looked_through_ = told.limits;
  observes_ = false;
  other_versions_.clear();
  const validation::LeadingLimits leading = validation::leading_limits(told.limits->objects());
  for (const LimitPtr& limit : told.limits->limits()) {
    observes_ = observes_ || !limit->limit().spec.observed.empty();
    std::string other = validation::other_version(limit->limit(), leading);
    if (!other.empty()) other_versions_.emplace(limit->limit().meta.uid, std::move(other));
  }
}

void StatusWriter::round(const std::stop_token& stop) {
  Surroundings around;
  {
    std::lock_guard lock(mutex_);
    around.told = told_;
  }
  const Told& told = around.told;
  if (!told.limits) return;
  book_.retain(*told.limits);
  read_configuration(stop);
  configuration_.begin_round(told.applied, machine_moment().boot);
  for (const ReplicaLeases::Live& one : replicas_.live(options_.lease_life)) {
    around.live.push_back({one.name, SeenLimits::announced(one.announced)});
    const auto flow = one.announced.find(kFlowAnnotation);
    if (flow != one.announced.end()) around.flows.push_back(FlowReport::parse(flow->second));
    const auto unlanded = one.announced.find(kUnlandedAnnotation);
    if (unlanded != one.announced.end()) around.unlanded.push_back(UnlandedReport::parse(unlanded->second));
  }
  std::vector<StatusWrite> writes;
  std::set<std::string> uids;
  look_through(told);
  if (observes_ && own_kinds_.synced()) around.regions = own_kinds_.regions_snapshot();
  for (const LimitPtr& limit : told.limits->limits()) {
    if (limit->limit().meta.deleted) continue;
    uids.insert(limit->limit().meta.uid);
    auto observation = observe(limit, around);
    if (!observation) continue;
    auto write = book_.observe(limit, *std::move(observation), machine_moment());
    if (write) writes.push_back(*std::move(write));
  }
  configuration_.retain(uids);
  if (configuration_.lacks(told.applied)) lacking_();
  observed_.retain(uids);
  std::ranges::stable_sort(writes, {}, [](const StatusWrite& write) {
    return std::tuple(write.change == StatusChange::Substance ? 0 : 1, write.last_written);
  });
  if (writes.size() > kMostWrites) writes.resize(kMostWrites);
  // A policy or a webhook of somebody's may answer anything about one object. Of several in a row it is the API server.
  constexpr int kOfTheServer = 3;
  int in_a_row = 0;
  for (const StatusWrite& one : writes) {
    if (stop.stop_requested() || !elector_->holds_lease()) return;
    in_a_row = write(one, stop) ? 0 : in_a_row + 1;
    if (in_a_row < kOfTheServer) continue;
    ++failures_;
    return;
  }
  failures_ = 0;
}

bool StatusWriter::write(const StatusWrite& write, const std::stop_token& stop) {
  const api::ScaleLimit& limit = write.limit->limit();
  const auto stored = client_->patch(kube::types::limit_type(limit.kind), limit.meta.key(), kube::PatchType::Merge,
                                     write.patch, stop, {.dry_run = false, .force = false, .subresource = "status"});
  if (!stored) {
    const ErrorCode code = stored.error().code;
    if (code == ErrorCode::Conflict || code == ErrorCode::NotFound) {
      book_.conflicted(write);
      return true;
    }
    log::warning("the status of a limit could not be written",
                 {{"limit", limit.meta.key().to_string()}, {"error", stored.error().message}});
    book_.refused(write, machine_moment().boot);
    return false;
  }
  book_.landed(write, api::meta_from_json(stored.value()).resource_version, machine_moment().boot);
  const runtime::EventSubject subject{absl::StrCat(api::kGroup, "/", api::kVersion), api::to_string(limit.kind),
                                      limit.meta.key(), limit.meta.uid};
  for (const runtime::EventText& event : write.events) events_.record(subject, event);
  return true;
}

}  // namespace headroom::webhook
