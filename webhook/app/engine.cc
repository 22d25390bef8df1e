#include "webhook/app/engine.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/log.h"
#include "operator/limits/stored_object.h"
#include "webhook/app/ledger_codec.h"

namespace headroom::webhook {
namespace {

using limits::BootTime;
using limits::CompiledLimit;
using limits::LimitId;
using limits::Revision;
using limits::TypeId;
using limits::Verdict;

// While a review waits, its time-out and the pauses between reads are looked at so often; else only slow work is left.
constexpr std::chrono::milliseconds kBusyTick{10}, kIdleTick{100};
constexpr absl::Duration kLookForGone = absl::Milliseconds(250);
constexpr absl::Duration kListAgain = absl::Seconds(1);
// A list that takes longer than so many events is begun anew.
constexpr std::size_t kMostMeanwhile = 200'000;

const char* reason_of(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::OverLimit:
      return "OverLimit";
    case Verdict::Kind::InFlight:
      return "InFlight";
    case Verdict::Kind::NameTaken:
      return "NameTaken";
    case Verdict::Kind::Unavailable:
      return "Unavailable";
    case Verdict::Kind::Allowed:
      break;
  }
  return "";
}

}  // namespace

Engine::Engine(limits::Holder self, limits::EscrowOptions options, Now now, RunTask run, runtime::Metrics& metrics)
    : now_(std::move(now)),
      run_(std::move(run)),
      denials_(metrics),
      options_(options),
      escrow_(std::move(self), options, usage_),
      looked_for_gone_(now_().boot) {}

// --- what happens around each call ---

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
        aftermath.tasks.emplace_back(SwapTask{limit, std::move(swap->swap)});
    } else if (const auto* const read = std::get_if<limits::ReadLedger>(&action)) {
      if (const LimitPtr limit = find(read->limit)) aftermath.tasks.emplace_back(ReadLedgerTask{limit});
    } else if (const auto* const revision = std::get_if<limits::ReadRevision>(&action)) {
      const auto type = types_.find(revision->type);
      if (type == types_.end()) continue;
      aftermath.tasks.emplace_back(ReadRevisionTask{type->second.watched, usage_.revision(revision->type)});
    } else if (const auto* const list = std::get_if<limits::ListType>(&action)) {
      const auto type = types_.find(list->type);
      if (type != types_.end()) ask_for_list(type->second, aftermath);
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

template <class Change>
void Engine::with_escrow(Change change) {
  Aftermath aftermath;
  {
    std::lock_guard lock(mutex_);
    change();
    aftermath = take_actions();
  }
  finish(std::move(aftermath));
}

void Engine::ask_for_list(Type& type, Aftermath& aftermath) {
  if (type.listing) {
    type.list_again = true;
    return;
  }
  type.listing = true;
  type.list_again = false;
  type.asked = now_().boot;
  aftermath.tasks.emplace_back(ListTask{type.watched});
}

Answer Engine::with_warnings(Answer answer, std::vector<std::string> warnings) const {
  for (std::string& warning : warnings) answer.warnings.push_back(std::move(warning));
  return answer;
}

void Engine::count_denial(const CompiledLimit* limit, const Verdict& verdict, std::string message) {
  if (verdict.kind == Verdict::Kind::Allowed) return;
  const bool known = limit != nullptr && verdict.dimension < limit->ledger_dimensions().size();
  denials_.count(limit == nullptr ? nullptr : &limit->limit(),
                 {reason_of(verdict.kind), known ? limit->ledger_dimensions()[verdict.dimension].name : std::string(),
                  std::move(message)},
                 now_().wall);
}

LimitPtr Engine::find(LimitId id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

// --- reviews ---

void Engine::decide(const limits::AskedWrite& write, bool dry_run, ReviewResponder responder) {
  Aftermath aftermath;
  std::optional<Answer> answer;
  {
    std::unique_lock lock(mutex_);
    if (!limits_) return;
    const limits::Assessment assessed = limits_->assess(write, usage_, switch_is_on_);
    std::vector<std::string> warnings;
    for (const limits::Finding& finding : assessed.findings) {
      using Mode = api::ScaleLimitSpec::Mode;
      const Mode mode = finding.limit->spec.mode;
      denials_.count(finding.limit, {finding.reason, finding.dimension, finding.message}, now_().wall);
      if (mode == Mode::Enforce && !answer) answer = refusal_for(finding);
      if (mode == Mode::Warn) warnings.push_back(finding.message);
    }
    if (!answer && !assessed.watched.empty()) {
      const Verdict verdict = escrow_.judge(assessed.watched);
      if (verdict.kind == Verdict::Kind::OverLimit) {
        const LimitPtr limit = find(verdict.limit);
        const std::string text = limit ? figures_text(verdict, *limit) : std::string();
        count_denial(limit.get(), verdict, text);
        if (limit && limit->limit().spec.mode == api::ScaleLimitSpec::Mode::Warn) warnings.push_back(text);
      }
    }
    if (!answer && assessed.charges.empty()) answer = Answer{};
    if (!answer) {
      WrittenObject object{std::string(write.group), std::string(write.resource), std::string(write.ns),
                           std::string(write.name.empty() ? write.object->name() : write.name)};
      const limits::RequestId request = ++last_request_;
      const limits::Moment now = now_();
      const auto verdict = dry_run ? std::optional(escrow_.judge(assessed.charges))
                                   : escrow_.ask(request, assessed.write, assessed.charges, now);
      if (verdict) {
        const LimitPtr limit = find(verdict->limit);
        answer = answer_to(*verdict, limit.get(), object);
        count_denial(limit.get(), *verdict, answer->message);
      } else {
        pending_.emplace(request, Pending{std::move(responder), std::move(object), assessed.write.type,
                                          std::move(warnings), now.boot});
        if (pending_.size() == 1) somebody_waits_.notify_all();
      }
      aftermath = take_actions();
    }
    if (answer) answer = with_warnings(*std::move(answer), std::move(warnings));
  }
  if (answer) responder.answer(*answer);
  finish(std::move(aftermath));
}

// --- limits and types ---

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
    for (const LimitPtr& limit : change.added) {
      by_id_[limit->id()] = limit;
      if (limit->counts_objects()) by_ledger_[ledger_name_of(*limit)] = limit->id();
      if (!limit->watches_objects()) continue;
      usage_.define(limit->id(), limit->ledger_dimensions().size(), limit->has_count(), limit->types());
      for (const TypeId id : limit->types()) {
        Type& type = types_[id];
        type.needs = edition_;
        // A type that is new gets its first list from its watch.
        if (type.listed > 0) ask_for_list(type, aftermath);
      }
    }
    for (const auto* const limits : {&change.added, &change.altered}) {
      for (const LimitPtr& limit : *limits) {
        if (limit->counts_objects()) escrow_.set_limit(limit->id(), limit->terms());
      }
    }
  }
  finish(std::move(aftermath));
}

std::shared_ptr<const limits::LimitSet> Engine::limits() const {
  std::lock_guard lock(mutex_);
  return limits_;
}

// --- what is stored ---

std::shared_ptr<TypeList> Engine::begin_list(TypeSource source) {
  std::lock_guard lock(mutex_);
  const TypeId id = source.type;
  const auto type = types_.find(id);
  const bool blind = type != types_.end() && type->second.watched.bodies && !source.bodies;
  auto list = std::make_shared<TypeList>(id, blind ? 0 : edition_, limits_, usage_.revision(id));
  if (type != types_.end()) {
    std::erase_if(type->second.lists, [](const auto& one) { return one.expired(); });
    type->second.lists.push_back(list);
  }
  return list;
}

void Engine::abandon_list(TypeList& list) {
  std::lock_guard lock(mutex_);
  const auto type = types_.find(list.type());
  if (type != types_.end()) {
    std::erase_if(type->second.lists, [&](const auto& one) { return one.expired() || one.lock().get() == &list; });
  }
}

void Engine::commit_list(TypeList& list, Revision revision) {
  const TypeId id = list.type();
  with_escrow([&] {
    const auto found = types_.find(id);
    if (found == types_.end()) return;
    Type& type = found->second;
    const limits::Moment now = now_();
    const bool went_back = revision < list.known_;
    if (went_back) {
      log::warning("the store shows an earlier revision than before: it was restored",
                   {{"resource", type.watched.type.to_string()},
                    {"revision", std::to_string(revision)},
                    {"before", std::to_string(list.known_)}});
      forget_type(id, type);
      list.meanwhile_.clear();
    }
    const bool current = list.edition_ >= type.needs && list.meanwhile_.size() < kMostMeanwhile;
    if (!current) type.list_again = true;
    std::vector<limits::Uid> gone;
    if (current && revision >= type.newest) {
      usage_.begin_list(id);
      for (const CountedObject& one : list.objects_) usage_.listed(id, one.object, one.memberships);
      gone = usage_.commit_list(id, revision);
      type.newest = revision;
      type.listed = std::max(type.listed, list.edition_);
      for (const StoredChange& change : list.meanwhile_) {
        if (change.counted.object.version <= revision) continue;
        if (change.deleted) {
          usage_.deleted(id, change.counted.object, change.limits);
        } else {
          usage_.applied(id, change.counted.object, change.counted.memberships);
          std::erase(gone, change.counted.object.uid);
        }
      }
    }
    for (const CountedObject& one : list.objects_) escrow_.seen(id, one.object.uid, one.object.version, false);
    for (const limits::Uid& uid : gone) escrow_.seen(id, uid, revision, true);
    escrow_.cache_moved(id, now);
    std::erase_if(type.lists, [&](const auto& one) { return one.expired() || one.lock().get() == &list; });
  });
}

void Engine::list_ended(const ListTask& task) {
  std::lock_guard lock(mutex_);
  const auto type = types_.find(task.type.id);
  if (type != types_.end()) type->second.listing = false;
}

void Engine::take_change(TypeSource source, StoredChange change) {
  with_escrow([&] {
    const TypeId id = source.type;
    const auto found = types_.find(id);
    if (found == types_.end()) return;
    Type& type = found->second;
    const limits::ListedObject& object = change.counted.object;
    // A list may have been ahead of the watch; writes that came and went before it have their end here.
    const bool blind = type.watched.bodies && !source.bodies;
    if (!blind && object.version > usage_.revision(id)) {
      if (change.deleted) {
        usage_.deleted(id, object, change.limits);
      } else {
        usage_.applied(id, object, change.counted.memberships);
      }
    }
    escrow_.seen(id, object.uid, object.version, change.deleted);
    escrow_.cache_moved(id, now_());
    if (blind) return;
    for (const auto& weak : type.lists) {
      const auto list = weak.lock();
      if (list && list->meanwhile_.size() < kMostMeanwhile) list->meanwhile_.push_back(change);
    }
  });
}

void Engine::applied(TypeSource source, const nlohmann::json& object) {
  const auto set = limits();
  take_change(source, {count_object(*set, source.type, object), false, {}});
}

void Engine::deleted(TypeSource source, const nlohmann::json& object) {
  const auto set = limits();
  const limits::StoredObject view(object);
  StoredChange change{count_object(*set, source.type, object), true, set->candidates(source.type, view.ns())};
  change.counted.memberships.clear();
  take_change(source, std::move(change));
}

void Engine::progress(TypeSource source, Revision revision) {
  with_escrow([&] {
    const auto type = types_.find(source.type);
    if (type == types_.end() || (type->second.watched.bodies && !source.bodies)) return;
    usage_.progress(source.type, revision);
    escrow_.cache_moved(source.type, now_());
  });
}

bool Engine::types_known() const {
  std::lock_guard lock(mutex_);
  return limits_ && std::ranges::all_of(types_, [](const auto& entry) {
           return entry.second.listed > 0 && entry.second.listed >= entry.second.needs;
         });
}

// --- ledgers ---

void Engine::ledger_seen(const api::LimitLedger& ledger) {
  with_escrow([&] {
    const auto it = by_ledger_.find(ledger.meta.name);
    const LimitPtr limit = it == by_ledger_.end() ? nullptr : find(it->second);
    if (limit) escrow_.ledger_read(limit->id(), read_ledger(ledger, *limit), now_());
  });
}

void Engine::ledger_read(const ReadLedgerTask& task, std::optional<limits::LedgerRecord> record) {
  with_escrow([&] { escrow_.ledger_read(task.limit->id(), std::move(record), now_()); });
}

void Engine::swapped(const SwapTask& task, limits::SwapOutcome outcome, std::optional<limits::LedgerRecord> record) {
  with_escrow([&] { escrow_.swapped(task.limit->id(), task.swap.sequence, outcome, std::move(record), now_()); });
}

void Engine::revision_read(const ReadRevisionTask& task, std::optional<Revision> revision) {
  Aftermath aftermath;
  {
    std::lock_guard lock(mutex_);
    const TypeId id = task.type.id;
    const auto type = types_.find(id);
    if (type != types_.end() && revision && *revision < task.known) {
      forget_type(id, type->second);
      ask_for_list(type->second, aftermath);
    } else {
      escrow_.consistent_read(id, revision, now_());
    }
    Aftermath more = take_actions();
    for (Task& one : aftermath.tasks) more.tasks.push_back(std::move(one));
    aftermath = std::move(more);
  }
  finish(std::move(aftermath));
}

void Engine::name_read(const ReadNameTask& task, std::optional<bool> taken) {
  with_escrow([&] { escrow_.name_read(task.request, taken, now_()); });
}

void Engine::holder_read(const ReadHolderTask& task, std::optional<bool> renewed) {
  with_escrow([&] { escrow_.holder_read(task.holder, renewed, now_()); });
}

// --- Leases ---

void Engine::lease_held_until(BootTime until) {
  with_escrow([&] { escrow_.lease_held_until(until); });
}

void Engine::begin_anew(limits::Holder self) {
  with_escrow([&] { escrow_.begin_anew(std::move(self)); });
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

void Engine::forget_type(TypeId id, Type& type) {
  escrow_.went_back(id, now_());
  usage_.lost(id);
  type.newest = 0;
}

void Engine::store_went_back() {
  Aftermath aftermath;
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, type] : types_) {
      forget_type(id, type);
      ask_for_list(type, aftermath);
    }
  }
  finish(std::move(aftermath));
}

// --- time and end ---

void Engine::tick() {
  Aftermath aftermath;
  {
    std::lock_guard lock(mutex_);
    const limits::Moment now = now_();
    if (now.boot - looked_for_gone_ >= kLookForGone) {
      looked_for_gone_ = now.boot;
      absl::erase_if(pending_, [&](const auto& entry) {
        if (!entry.second.responder.gone()) return false;
        escrow_.cancel(entry.first);
        return true;
      });
    }
    escrow_.tick(now);
    aftermath = take_actions();
    for (auto& [id, type] : types_) {
      const bool outdated = type.listed > 0 && type.listed < type.needs;
      const bool unknown = type.listed > 0 && usage_.revision(id) == 0;
      const bool due = (outdated || unknown) && type.asked + kListAgain <= now.boot;
      if (!type.listing && (type.list_again || due)) ask_for_list(type, aftermath);
    }
  }
  finish(std::move(aftermath));
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
    if (escrow_.account(id) != nullptr) all.push_back(figures_of(limit));
  }
  return all;
}

std::optional<LimitFigures> Engine::figures(LimitId id) const {
  std::lock_guard lock(mutex_);
  const LimitPtr limit = find(id);
  return limit ? std::optional(figures_of(limit)) : std::nullopt;
}

LimitFigures Engine::figures_of(const LimitPtr& limit) const {
  using Ledger = EnforcementFacts::Ledger;
  const LimitId id = limit->id();
  LimitFigures figures;
  figures.limit = limit;
  if (limit->watches_objects()) {
    for (const TypeId type : limit->types()) {
      figures.used += usage_.used(id, type);
      if (usage_.revision(id, type) == 0) figures.unlisted.push_back(type);
    }
  }
  const limits::LimitAccount* const account = escrow_.account(id);
  if (account == nullptr) return figures;
  figures.in_force = account->current() && !account->outdated() && figures.unlisted.empty();
  figures.granted = account->granted();
  figures.in_flight = escrow_.pending(id);
  const limits::LedgerRecord* const record = account->record();
  if (record == nullptr && !escrow_.distrusts(id)) {
    figures.ledger = Ledger::Unknown;
  } else {
    figures.ledger = account->current() && !escrow_.distrusts(id) ? Ledger::Current : Ledger::Behind;
  }
  if (record != nullptr) {
    figures.held = record->granted();
    figures.epoch = record->epoch;
  }
  return figures;
}

bool Engine::secured(LimitId id, BootTime moment) {
  bool secured = false;
  with_escrow([&] { secured = escrow_.secured(id, moment); });
  return secured;
}

std::size_t Engine::waiting() const {
  std::lock_guard lock(mutex_);
  return pending_.size();
}

}  // namespace headroom::webhook
