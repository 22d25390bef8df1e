#include "webhook/app/engine.h"

#include <algorithm>
#include <set>
#include <utility>

#include "operator/base/log.h"
#include "webhook/app/ledger_codec.h"

namespace headroom::webhook {
namespace {

using limits::BootTime;
using limits::LimitId;
using limits::Revision;
using limits::TypeId;

// While a review waits, its time-out and the pauses between reads are looked at so often; else only slow work is left.
constexpr std::chrono::milliseconds kBusyTick{10}, kIdleTick{100};
constexpr absl::Duration kLookForGone = absl::Milliseconds(250);
constexpr absl::Duration kListAgain = absl::Seconds(1);

}  // namespace

Engine::Engine(limits::Holder self, limits::EscrowOptions options, Now now, RunTask run, runtime::Metrics& metrics)
    : now_(std::move(now)),
      run_(std::move(run)),
      denials_(metrics),
      options_(options),
      escrow_(std::move(self), options, usage_),
      looked_for_gone_(now_().boot) {}

Engine::Aftermath Engine::take_actions() {
  Aftermath aftermath;
  for (limits::Action& action : escrow_.take_actions()) {
    if (const auto* const answer = std::get_if<limits::AnswerRequest>(&action)) {
      auto node = pending_.extract(answer->request);
      if (node.empty()) continue;
      Pending& pending = node.mapped();
      const LimitPtr limit = find(answer->verdict.limit);
      Answer given = answer_to(answer->verdict, limit.get(), pending.object);
      count_denial(limit.get(), answer->verdict, given.message);
      aftermath.answers.push_back(
          {std::move(pending.responder), with_warnings(std::move(given), std::move(pending.warnings))});
    } else if (auto* const swap = std::get_if<limits::SwapLedger>(&action)) {
      if (const LimitPtr limit = find(swap->limit))
        aftermath.tasks.emplace_back(SwapTask{limit, swap->limit, std::move(swap->swap)});
    } else if (const auto* const read = std::get_if<limits::ReadLedger>(&action)) {
      if (const LimitPtr limit = find(read->limit)) aftermath.tasks.emplace_back(ReadLedgerTask{limit, read->limit});
    } else if (const auto* const revision = std::get_if<limits::ReadRevision>(&action)) {
      const auto type = types_.find(revision->type);
      if (type == types_.end()) continue;
      aftermath.tasks.emplace_back(ReadRevisionTask{type->second.watched, usage_.revision(revision->type)});
    } else if (const auto* const list = std::get_if<limits::ListType>(&action)) {
      const auto type = types_.find(list->type);
      if (type != types_.end()) ask_to_catch_up(list->type, type->second, aftermath);
    } else if (auto* const dead = std::get_if<limits::ReadHolder>(&action)) {
      aftermath.tasks.emplace_back(ReadHolderTask{std::move(dead->holder)});
    } else if (const auto* const name = std::get_if<limits::ReadName>(&action)) {
      const auto pending = pending_.find(name->request);
      if (pending == pending_.end()) continue;
      const auto type = types_.find(pending->second.type);
      if (type == types_.end()) continue;
      aftermath.tasks.emplace_back(ReadNameTask{name->request,
                                                type->second.watched,
                                                {pending->second.object.ns, pending->second.object.name},
                                                pending->second.arrived + options_.patience});
    }
  }
  return aftermath;
}

void Engine::finish(Aftermath aftermath) {
  for (Answered& one : aftermath.answers) one.responder.answer(one.answer);
  for (Task& task : aftermath.tasks) run_(std::move(task));
}

void Engine::with_escrow(absl::FunctionRef<void()> change) {
  Aftermath aftermath;
  {
    std::lock_guard lock(mutex_);
    change();
    aftermath = take_actions();
  }
  finish(std::move(aftermath));
}

LimitPtr Engine::find(LimitId id) const {
  if (const auto it = by_id_.find(id); it != by_id_.end()) return it->second;
  const auto flow = by_flow_.find(id);
  return flow == by_flow_.end() ? nullptr : flow->second;
}

void Engine::adopt(const LimitChange& change) {
  Aftermath aftermath;
  {
    std::lock_guard lock(mutex_);
    ++edition_;
    limits_ = change.limits;
    for (const LimitId id : change.dropped) {
      escrow_.drop_limit(id);
      usage_.forget(id);
      if (const LimitPtr limit = find(id)) by_ledger_.erase(ledger_name_of(*limit));
      by_id_.erase(id);
    }
    for (const LimitId id : change.dropped_flows) {
      escrow_.drop_limit(id);
      watched_flow_.drop_limit(id);
      if (const LimitPtr limit = find(id)) by_ledger_.erase(ledger_name_of(*limit, LedgerPart::Flow));
      by_flow_.erase(id);
    }
    absl::flat_hash_map<TypeId, Type> types;
    for (const WatchedType& watched : change.types) {
      const auto known = types_.find(watched.id);
      if (known != types_.end()) types[watched.id] = std::move(known->second);
      types[watched.id].watched = watched;
    }
    for (const auto& [id, type] : types_) {
      if (!types.contains(id)) usage_.lost(id);
    }
    types_ = std::move(types);
    for (const LimitPtr& limit : change.altered) by_id_[limit->id()] = limit;
    const auto list_anew = [&](const limits::CompiledLimit& limit) {
      for (const TypeId id : limit.types()) {
        Type& type = types_[id];
        type.needs = edition_;
        // A type that is new gets its first list from its watch.
        if (type.listed > 0) ask_for_list(type, aftermath);
      }
    };
    for (const LimitId id : change.relisted) {
      if (by_id_.at(id)->watches_objects()) list_anew(*by_id_.at(id));
    }
    for (const LimitPtr& limit : change.added) {
      by_id_[limit->id()] = limit;
      if (limit->counts_objects()) by_ledger_[ledger_name_of(*limit)] = limit->id();
      if (!limit->watches_objects()) continue;
      usage_.define(limit->id(), limit->ledger_dimensions().size(), limit->has_count(), limit->types());
      list_anew(*limit);
    }
    for (const auto* const limits : {&change.added, &change.altered}) {
      for (const LimitPtr& limit : *limits) {
        if (limit->counts_objects()) escrow_.set_limit(limit->id(), limit->terms());
        adopt_flow(limit);
      }
    }
  }
  finish(std::move(aftermath));
}

void Engine::adopt_flow(const LimitPtr& limit) {
  if (!limit->flow()) return;
  const LimitId id = *limit->flow();
  by_flow_[id] = limit;
  by_ledger_[ledger_name_of(*limit, LedgerPart::Flow)] = id;
  const limits::LimitTerms terms = limit->flow_terms();
  escrow_.set_limit(id, terms);
  if (limit->enforced()) {
    watched_flow_.drop_limit(id);
  } else {
    watched_flow_.set_limit(id, *terms.flow);
  }
}

std::shared_ptr<const limits::LimitSet> Engine::limits() const {
  std::lock_guard lock(mutex_);
  return limits_;
}

void Engine::ledger_seen(const api::LimitLedger& ledger) {
  with_escrow([&] {
    const auto it = by_ledger_.find(ledger.meta.name);
    const LimitPtr limit = it == by_ledger_.end() ? nullptr : find(it->second);
    if (!limit) return;
    Result<limits::LedgerRecord> record = read_ledger(ledger, *limit);
    if (record) return escrow_.ledger_read(it->second, std::move(record).value(), now_());
    log::error("a ledger cannot be read", {{"ledger", ledger.meta.name}, {"error", record.error().message}});
  });
}

void Engine::ledger_deleted(const std::string& name) {
  with_escrow([&] {
    const auto it = by_ledger_.find(name);
    const LimitPtr limit = it == by_ledger_.end() ? nullptr : find(it->second);
    if (limit) escrow_.ledger_read(it->second, limits::LedgerRecord{}, now_());
  });
}

void Engine::ledger_read(const ReadLedgerTask& task, std::optional<limits::LedgerRecord> record) {
  with_escrow([&] { escrow_.ledger_read(task.ledger, std::move(record), now_()); });
}

void Engine::swapped(const SwapTask& task, limits::SwapOutcome outcome, std::optional<limits::LedgerRecord> record) {
  with_escrow([&] { escrow_.swapped(task.ledger, task.swap.sequence, outcome, std::move(record), now_()); });
}

void Engine::name_read(const ReadNameTask& task, std::optional<bool> taken) {
  with_escrow([&] { escrow_.name_read(task.request, taken, now_()); });
}

void Engine::holder_read(const ReadHolderTask& task, std::optional<bool> renewed) {
  with_escrow([&] { escrow_.holder_read(task.holder, renewed, now_()); });
}

void Engine::lease_held_until(BootTime until) {
  with_escrow([&] { escrow_.lease_held_until(until); });
}

void Engine::begin_anew(limits::Holder self) {
  with_escrow([&] { escrow_.begin_anew(std::move(self), now_()); });
}

void Engine::holder_renewed(const limits::Holder& holder) {
  with_escrow([&] { escrow_.holder_renewed(holder, now_()); });
}

bool Engine::holds_grants(const std::string& holder) const {
  std::lock_guard lock(mutex_);
  return std::ranges::any_of(by_ledger_, [&](const auto& entry) {
    const limits::LimitAccount* const account = escrow_.account(entry.second);
    return account != nullptr && account->record() != nullptr &&
           std::ranges::any_of(account->record()->grants,
                               [&](const limits::Grant& grant) { return grant.holder.name == holder; });
  });
}

void Engine::tick() {
  Aftermath aftermath;
  {
    std::lock_guard lock(mutex_);
    const limits::Moment now = now_();
    if (now.boot - looked_for_gone_ >= kLookForGone) {
      looked_for_gone_ = now.boot;
      if (requesters_.crowded()) forget_requesters(now.boot);
      absl::erase_if(pending_, [&](const auto& entry) {
        if (!entry.second.responder.gone()) return false;
        escrow_.cancel(entry.first);
        return true;
      });
    }
    escrow_.tick(now);
    aftermath = take_actions();
    for (auto& [id, type] : types_) {
      const bool outdated = type.came && type.listed < type.needs;
      const bool unknown = type.listed > 0 && usage_.revision(id) == 0;
      const bool due = (outdated || unknown) && type.asked + kListAgain <= now.boot;
      if (!type.listing && (type.list_again || due)) ask_for_list(type, aftermath);
    }
  }
  finish(std::move(aftermath));
}

void Engine::forget_requesters(BootTime now) {
  std::set<limits::Requester> used;
  for (const limits::Lingering& one : escrow_.lingering(now)) used.insert(one.requester);
  requesters_.retain(used);
}

void Engine::keep_time(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      somebody_waits_.wait_for(lock, stop, pending_.empty() ? kIdleTick : kBusyTick,
                               [&, empty = pending_.empty()] { return empty && !pending_.empty(); });
    }
    tick();
  }
}

void Engine::retire() {
  with_escrow([&] { escrow_.retire(now_()); });
}

std::size_t Engine::reserved() const {
  std::lock_guard lock(mutex_);
  return escrow_.reserved();
}

std::vector<LimitFigures> Engine::figures() const {
  std::lock_guard lock(mutex_);
  std::vector<LimitFigures> all;
  for (const auto& [id, limit] : by_id_) {
    all.push_back(figures_of(limit));
  }
  return all;
}

std::vector<UnlandedUnderLimit> Engine::unlanded() const {
  std::lock_guard lock(mutex_);
  std::vector<UnlandedUnderLimit> all;
  for (const limits::Lingering& one : escrow_.lingering(now_().boot - unlanded_after(options_.request_deadline))) {
    const LimitPtr limit = find(one.limit);
    if (!limit) continue;
    if (all.empty() || all.back().limit != limit) all.push_back({limit, {}});
    all.back().by_user.push_back({requesters_.name_of(one.requester), one.writes, one.amounts});
  }
  for (UnlandedUnderLimit& limit : all) limit.by_user = by_user(limit.by_user);
  return all;
}

std::optional<LimitFigures> Engine::figures(LimitId id) const {
  std::lock_guard lock(mutex_);
  const LimitPtr limit = find(id);
  return limit ? std::optional(figures_of(limit)) : std::nullopt;
}

void Engine::add_ledger_figures(LimitId ledger, LimitFigures& figures) const {
  using Ledger = EnforcementFacts::Ledger;
  const limits::LimitAccount* const account = escrow_.account(ledger);
  if (account == nullptr) return;
  const limits::LedgerRecord* const record = account->record();
  const bool distrusts = escrow_.distrusts(ledger);
  Ledger state = account->current() && !distrusts ? Ledger::Current : Ledger::Behind;
  if (record == nullptr && !distrusts) state = Ledger::Unknown;
  // Of two the one that lags behind speaks for the limit.
  const bool first = figures.ledger == Ledger::None;
  figures.in_force = (first || figures.in_force) && account->current() && !account->outdated();
  figures.ledger = first ? state : std::min(figures.ledger, state);
  if (record != nullptr) figures.epoch = std::max(figures.epoch, record->epoch);
}

LimitFigures Engine::figures_of(const LimitPtr& limit) const {
  const LimitId id = limit->id();
  LimitFigures figures;
  figures.limit = limit;
  if (limit->watches_objects()) {
    for (const TypeId type : limit->types()) {
      figures.used += usage_.used(id, type);
      if (usage_.revision(id, type) == 0) figures.unlisted.push_back(type);
    }
  }
  add_ledger_figures(id, figures);
  if (const limits::LimitAccount* const account = escrow_.account(id)) {
    figures.granted = account->granted();
    figures.in_flight = escrow_.pending(id);
    if (account->record() != nullptr) figures.held = account->record()->granted();
  }
  if (limit->flow()) {
    const LimitId flow = *limit->flow();
    add_ledger_figures(flow, figures);
    figures.flow_in_use = limit->enforced() ? escrow_.pending(flow) : watched_flow_.in_use(flow);
    figures.flow_waiting = escrow_.queued(flow);
    if (const limits::LimitAccount* const account = escrow_.account(flow)) figures.flow_granted = account->granted();
  }
  const bool needs_ledger = limit->counts_objects() || limit->flow().has_value();
  figures.in_force = (figures.in_force || !needs_ledger) && figures.unlisted.empty();
  return figures;
}

std::vector<FlowPeak> Engine::take_flow_peaks() {
  std::lock_guard lock(mutex_);
  std::vector<FlowPeak> peaks;
  const limits::Moment now = now_();
  for (const auto& [flow, limit] : by_flow_) {
    watched_flow_.advance(flow, now.boot);
    limits::Amounts peak = limit->enforced() ? escrow_.take_peak(flow, now) : watched_flow_.take_peak(flow);
    if (!peak.is_zero()) peaks.push_back({limit, std::move(peak)});
  }
  return peaks;
}

bool Engine::secured(LimitId id, BootTime moment) {
  bool secured = false;
  with_escrow([&] {
    const LimitPtr limit = find(id);
    if (!limit) return;
    secured = (!limit->counts_objects() || escrow_.secured(id, moment)) &&
              (!limit->flow() || escrow_.secured(*limit->flow(), moment));
  });
  return secured;
}

std::size_t Engine::waiting() const {
  std::lock_guard lock(mutex_);
  return pending_.size();
}

}  // namespace headroom::webhook
