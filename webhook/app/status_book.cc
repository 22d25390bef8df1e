#include "webhook/app/status_book.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "operator/base/backoff.h"
#include "operator/runtime/merge_patch.h"

namespace headroom::webhook {
namespace {

// Each write makes every replica read the limit again.
constexpr absl::Duration kBetweenWrites = absl::Seconds(1), kBetweenFigures = absl::Seconds(2);
// One replica writes, and each limit was refused at a time of its own: nothing to spread.
constexpr Backoff kRefusedAgain{std::chrono::seconds(2), 2, std::chrono::minutes(1), 0};

}  // namespace

struct StatusBook::Memory {
  limits::LimitId id = 0;
  std::int64_t generation = 0;
  EnforcementMemory enforcement;
  runtime::StoredStatus<api::ScaleLimitStatus> stored;
  std::vector<api::DenialStatus> denials;  ///< not stored yet
  limits::BootTime written = -absl::InfiniteDuration();
  int refusals = 0;                                         ///< in a row
  limits::BootTime not_before = -absl::InfiniteDuration();  ///< after a refusal
  /// After an observation that changed nothing: the same one changes nothing either, before `until`.
  struct Quiet {
    LimitPtr limit;
    LimitObservation observation;
    absl::Time until;
  };
  std::optional<Quiet> quiet;
};

StatusBook::StatusBook(absl::Duration request_deadline, std::vector<std::string> excluded_namespaces)
    : request_deadline_(request_deadline), excluded_namespaces_(std::move(excluded_namespaces)) {}

StatusBook::~StatusBook() = default;

std::optional<limits::BootTime> StatusBook::secure_from(const LimitPtr& limit, limits::BootTime now) const {
  const api::ObjectMeta& meta = limit->limit().meta;
  const auto known = memories_.find(meta.uid);
  if (known == memories_.end() || known->second.id != limit->id() || known->second.generation != meta.generation ||
      known->second.enforcement.held) {
    return std::nullopt;
  }
  const auto end = end_of_wait(known->second.enforcement, request_deadline_);
  return end && *end <= now ? end : std::nullopt;
}

std::optional<StatusWrite> StatusBook::observe(const LimitPtr& limit, LimitObservation observation,
                                               limits::Moment now) {
  const api::ScaleLimit& object = limit->limit();
  Memory& memory = memories_[object.meta.uid];
  if (memory.quiet && memory.quiet->limit == limit && now.wall < memory.quiet->until &&
      memory.quiet->observation == observation) {
    return std::nullopt;
  }
  memory.quiet.reset();
  const LimitObservation observed = observation;
  if (memory.id == 0) {
    memory.enforcement = remembered(object.status, object.meta.generation);
  } else if (memory.id != limit->id() || memory.generation != object.meta.generation) {
    memory.enforcement = {};
    memory.refusals = 0;
    memory.not_before = -absl::InfiniteDuration();
  }
  memory.id = limit->id();
  memory.generation = object.meta.generation;
  memory.stored.shown(object.meta.resource_version);
  memory.denials = added_denials(std::move(memory.denials), observation.denials);

  StatusFacts facts{
      .limit = object,
      .use = std::move(observation.use),
      .enforcement = judge_enforcement(object, observation.enforcement, memory.enforcement, request_deadline_, now),
      .uncounted = std::move(observation.uncounted),
      .count_problem = std::move(observation.count_problem),
      .observed = std::move(observation.observed),
      .other_version = std::move(observation.other_version),
      .unlanded = std::move(observation.unlanded),
      .denials = memory.denials,
      .excluded_namespaces = excluded_namespaces_,
      .scaled_blindly = std::move(observation.scaled_blindly)};
  memory.enforcement = facts.enforcement.memory;
  const api::ScaleLimitStatus& former = memory.stored.base(object.status);
  StatusReport report = limit_status(facts, former, now.wall);
  const StatusChange change = change_between(former, report.status);
  if (change == StatusChange::None) {
    const bool waits = facts.enforcement.stage == Enforcement::Stage::SettlingIn;
    const absl::Time until = limits::next_change(object.spec, former).value_or(absl::InfiniteFuture());
    if (!waits) memory.quiet = {limit, observed, until};
    return std::nullopt;
  }
  if (memory.not_before > now.boot) return std::nullopt;
  if (memory.written + (change == StatusChange::Figures ? kBetweenFigures : kBetweenWrites) > now.boot) {
    return std::nullopt;
  }
  auto patch = runtime::status_patch_between(api::to_json(former), api::to_json(report.status));
  if (!patch) return std::nullopt;
  StatusWrite write;
  write.limit = limit;
  write.over = memory.stored.version(object.meta.resource_version);
  write.status = std::make_shared<const api::ScaleLimitStatus>(std::move(report.status));
  write.events = std::move(report.events);
  write.change = change;
  write.last_written = memory.written;
  write.patch = {{"metadata", {{"resourceVersion", write.over}}}, {"status", *std::move(patch)}};
  return write;
}

void StatusBook::landed(const StatusWrite& write, std::string version, limits::BootTime now) {
  const auto known = memories_.find(write.limit->limit().meta.uid);
  if (known == memories_.end()) return;
  known->second.stored.landed(write.status, write.over, std::move(version));
  known->second.denials.clear();
  known->second.written = now;
  known->second.refusals = 0;
}

void StatusBook::conflicted(const StatusWrite& write) {
  const auto known = memories_.find(write.limit->limit().meta.uid);
  if (known != memories_.end()) known->second.stored.forget();
}

void StatusBook::refused(const StatusWrite& write, limits::BootTime now) {
  const auto known = memories_.find(write.limit->limit().meta.uid);
  if (known == memories_.end()) return;
  Memory& memory = known->second;
  memory.stored.forget();
  memory.not_before = now + absl::FromChrono(kRefusedAgain.delay(memory.refusals++, 0));
}

void StatusBook::retain(const limits::LimitSet& limits) {
  std::set<std::string> uids;
  for (const LimitPtr& limit : limits.limits()) uids.insert(limit->limit().meta.uid);
  std::erase_if(memories_, [&](const auto& entry) { return !uids.contains(entry.first); });
}

void StatusBook::hand_over() {
  for (auto& [uid, memory] : memories_) {
    Memory next;
    next.denials = std::move(memory.denials);
    memory = std::move(next);
  }
}

}  // namespace headroom::webhook
