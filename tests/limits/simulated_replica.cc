#include "tests/limits/simulated_replica.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include "tests/limits/simulated_world.h"

namespace headroom::limits {

namespace {

constexpr Seconds kRenewEvery = 4;
constexpr double kTellsSooner = 0.2;

}  // namespace

Moment Replica::moment() const {
  const double boot = clock_offset_ + world_.agenda.now() * clock_rate_;
  return {absl::Seconds(boot), absl::UnixEpoch() + absl::Seconds(world_.agenda.now() + number_ * 0.01)};
}

void Replica::later(Seconds delay, std::function<void()> what) {
  world_.agenda.in(delay, [this, life = life_, what = std::move(what)] {
    if (life != life_ || escrow_ == nullptr) return;
    if (stopped_) return later(stopped_until_ - world_.agenda.now() + 1e-6, what);
    what();
    act();
  });
}

void Replica::remote(std::function<void()> there, std::function<void(bool lost)> reply) {
  const bool disturbed = world_.disturbed();
  const bool lost_on_the_way = cut_ || (disturbed && world_.chance() < 0.01);
  const bool lost_on_the_way_back = disturbed && world_.chance() < 0.01;
  const Seconds way = world_.delay(0.002, disturbed ? 8 : 0.01, 0.005);
  if (!lost_on_the_way) world_.agenda.in(way, std::move(there));
  // Whoever asked gives up after five seconds, whatever becomes of the request.
  const bool lost = lost_on_the_way || lost_on_the_way_back || way > 5;
  later(lost ? 5 : way + world_.delay(0.002, 0.01, 0.01), [reply = std::move(reply), lost] { reply(lost); });
}

void Replica::start() {
  if (escrow_) return;
  clock_rate_ = 1 + (world_.chance() - 0.5) * 0.002;
  clock_offset_ = world_.chance() * 1000;
  usage_ = std::make_unique<UsageCache>();
  limits_ = world_.limits;
  usage_->define(kAll, 2, true, kTypes);
  usage_->define(limits_.id_of(kFlagged), 1, true, std::span(kTypes).first(1));
  holder_ = {absl::StrCat("replica-", number_), ++lives_};
  lease_until_ = -absl::InfiniteDuration();
  EscrowOptions escrow_options;
  escrow_options.lease_life = absl::Seconds(kLeaseLife);
  escrow_ = std::make_unique<Escrow>(holder_, escrow_options, *usage_);
  define_limits();
  if (world_.flows()) escrow_->set_limit(kFlow, world_.flow_terms());
  store_age_ = world_.store_age;
  for (const TypeId type : kTypes) list(type);
  seen_events_ = world_.store.history().size();
  arriving_ = false;
  listing_.clear();
  bookmarks();
  renew();
  tick();
  act();
}

void Replica::stop_for(Seconds time) {
  if (!serves()) return;
  stopped_ = true;
  stopped_until_ = world_.agenda.now() + time;
  world_.agenda.in(time, [this] { stopped_ = false; });
}

void Replica::cut_for(Seconds time) {
  if (cut_) return;
  cut_ = true;
  world_.agenda.in(time, [this] {
    cut_ = false;
    arriving_ = false;
    reconnect();
  });
}

void Replica::stall_for(Seconds time) {
  if (stalled_) return;
  stalled_ = true;
  world_.agenda.in(time, [this] {
    stalled_ = false;
    arriving_ = false;
    reconnect();
  });
}

void Replica::list(TypeId type) {
  usage_->begin_list(type);
  for (const auto& [name, object] : world_.store.objects()) {
    if (object.type == type) usage_->listed(type, object.listed(), limits_.memberships(object));
  }
  const auto gone = usage_->commit_list(type, world_.store.revision());
  for (const auto& [name, object] : world_.store.objects()) {
    if (object.type == type) escrow_->seen(type, object.uid, object.version, false);
  }
  for (const Uid& uid : gone) escrow_->seen(type, uid, world_.store.revision(), true);
  escrow_->cache_moved(type, moment());
}

void Replica::list_soon(TypeId type) {
  if (!listing_.insert(type).second) return;
  ++world_.report.lists;
  later(world_.delay(0.01, 0.2, 0.05), [this, type] {
    listing_.erase(type);
    if (!cut_ && store_age_ == world_.store_age) return list(type);
    list_soon(type);  // of a store that was restored, or that it does not reach
  });
}

// Events arrive in order and late.
void Replica::store_changed() {
  if (!escrow_ || arriving_) return;
  arriving_ = true;
  later(world_.delay(0.004, world_.disturbed() ? 3 : 0.05, 0.01), [this] {
    arriving_ = false;
    if (cut_ || stalled_ || store_age_ != world_.store_age) return;
    const auto& history = world_.store.history();
    const std::size_t until =
        seen_events_ + 1 + static_cast<std::size_t>(world_.pick(static_cast<int>(history.size() - seen_events_)));
    for (; seen_events_ < until && seen_events_ < history.size(); ++seen_events_) deliver(history[seen_events_]);
    // Another watch of the type, of which the cache takes nothing, may be ahead.
    for (std::size_t ahead = seen_events_; ahead < history.size() && world_.chance() < kTellsSooner; ++ahead) {
      tell_ledger(history[ahead]);
    }
    if (seen_events_ < history.size()) store_changed();
  });
}

void Replica::deliver(const StoreEvent& event) {
  const StoredObject& object = event.object;
  if (object.version <= usage_->revision(object.type)) {
    // A list was ahead of the watch; writes that came and went before it have their end here.
  } else if (event.deleted) {
    usage_->deleted(object.type, object.listed(), std::array{kAll, limits_.id_of(kFlagged)});
  } else {
    usage_->applied(object.type, object.listed(), limits_.memberships(object));
  }
  tell_ledger(event);
}

void Replica::tell_ledger(const StoreEvent& event) {
  escrow_->seen(event.object.type, event.object.uid, event.object.version, event.deleted);
  escrow_->cache_moved(event.object.type, moment());
  act();  // of each event by itself, as the engine does
}

void Replica::ledger_changed(LimitId ledger) {
  if (!escrow_ || cut_) return;
  later(world_.delay(0.004, world_.disturbed() ? 3 : 0.05, 0.01), [this, ledger] {
    if (!cut_ && !stalled_) escrow_->ledger_read(limits_.id_of(ledger), world_.store.ledger(ledger), moment());
  });
}

void Replica::limits_changed() {
  if (!escrow_ || cut_) return;
  later(world_.delay(0.05, world_.disturbed() ? 3 : 0.2, 0.05), [this] {
    if (!cut_ && !stalled_) learn_limits();
  });
}

void Replica::define_limits() {
  for (const LimitId ledger : kLimits) escrow_->set_limit(limits_.id_of(ledger), limits_.terms(ledger));
}

void Replica::learn_limits() {
  world_.check();  // what was let through without knowing them
  const LimitId former = limits_.id_of(kFlagged), next = world_.limits.id_of(kFlagged);
  limits_ = world_.limits;
  if (former != next) {
    escrow_->drop_limit(former);
    usage_->forget(former);
    usage_->define(next, 1, true, std::span(kTypes).first(1));
    list_soon(kTypes.front());
  }
  define_limits();
}

void Replica::reconnect() {
  store_changed();
  for (const LimitId ledger : kLedgers) ledger_changed(ledger);
  limits_changed();
}

void Replica::bookmarks() {
  later(50 + 20 * world_.chance(), [this] {
    if (!cut_ && !stalled_ && store_age_ == world_.store_age && seen_events_ == world_.store.history().size()) {
      for (const TypeId type : kTypes) {
        usage_->progress(type, world_.store.revision());
        escrow_->cache_moved(type, moment());
      }
    }
    bookmarks();
  });
}

void Replica::store_went_back() {
  if (!escrow_) return;
  later(world_.chance() * 0.5, [this] {
    store_age_ = world_.store_age;
    seen_events_ = world_.store.history().size();
    for (const TypeId type : kTypes) {
      escrow_->went_back(type, moment());
      usage_->lost(type);
      list(type);
    }
  });
}

void Replica::renew() {
  const BootTime begun = moment().boot;
  remote(
      [this, holder = holder_] {
        world_.leases[holder] = world_.agenda.now();
        for (const auto& other : world_.replicas) other->hear_renewal(holder);
      },
      [this, begun](bool lost) {
        if (lost) return;
        if (lease_until_ != -absl::InfiniteDuration() && moment().boot >= lease_until_) {
          holder_.epoch = ++lives_;
          escrow_->begin_anew(holder_, moment());
        }
        lease_until_ = begun + absl::Seconds(kLeaseLife);
        escrow_->lease_held_until(lease_until_);
      });
  later(kRenewEvery, [this] { renew(); });
}

void Replica::hear_renewal(const Holder& holder) {
  if (!escrow_ || cut_ || stalled_) return;
  later(world_.delay(0.01, 1, 0.02), [this, holder, at = world_.agenda.now()] {
    heard_[holder] = std::max(heard_[holder], at);
    escrow_->holder_renewed(holder, moment());
  });
}

void Replica::tick() {
  later(0.05, [this] {
    escrow_->tick(moment());
    tick();
  });
}

void Replica::ask(RequestId request, const Write& write, const std::optional<StoredObject>& before,
                  const StoredObject& after) {
  later(world_.delay(0.001, 0.1, 0.01), [this, request, write, before, after] {
    Charges charges = limits_.charges(before ? &*before : nullptr, after);
    if (world_.flows()) charges.push_back({kFlow, {kOneWrite, kOneWrite}});
    world_.charged(request, charges);
    const auto verdict = escrow_->ask(request, write, charges, moment());
    if (verdict) act_on(AnswerRequest{request, *verdict});
  });
}

void Replica::act() {
  if (!escrow_) return;
  for (const Action& action : escrow_->take_actions()) {
    std::visit([this](const auto& one) { act_on(one); }, action);
  }
  if (world_.flows()) world_.look_at_flow();
}

void Replica::act_on(const AnswerRequest& action) {
  world_.decided(action.request, action.verdict, limits_.generation == world_.limits.generation);
  const bool lost = world_.disturbed() && world_.chance() < 0.005;
  if (lost) return;
  world_.agenda.in(world_.delay(0.001, 0.1, 0.01), [this, action] { world_.answer(action.request, action.verdict); });
}

void Replica::act_on(const SwapLedger& action) {
  ++world_.report.swaps;
  auto result = std::make_shared<std::optional<LedgerRecord>>();
  remote(
      [this, action, result] {
        *result = world_.store.swap(ledger_of(action.limit), action.swap.record);
        if (*result) world_.ledger_changed(ledger_of(action.limit));
      },
      [this, action, result](bool lost) {
        const SwapOutcome outcome = lost ? SwapOutcome::Lost : *result ? SwapOutcome::Landed : SwapOutcome::Refused;
        escrow_->swapped(action.limit, action.swap.sequence, outcome, lost ? std::nullopt : *result, moment());
      });
}

void Replica::act_on(const ReadLedger& action) {
  auto record = std::make_shared<LedgerRecord>();
  remote([this, action, record] { *record = world_.store.ledger(ledger_of(action.limit)); },
         [this, action, record](bool lost) {
           escrow_->ledger_read(action.limit, lost ? std::nullopt : std::optional(*record), moment());
         });
}

void Replica::act_on(const ReadRevision& action) {
  ++world_.report.reads;
  auto revision = std::make_shared<std::pair<Revision, int>>();
  remote(
      [this, revision] {
        *revision = {world_.store.revision(), world_.store_age};
      },
      [this, action, revision](bool lost) {
        const bool good = !lost && revision->second == store_age_;
        escrow_->consistent_read(action.type, good ? std::optional(revision->first) : std::nullopt, moment());
      });
}

void Replica::act_on(const ListType& action) { list_soon(action.type); }

void Replica::act_on(const ReadName& action) {
  const std::optional<std::string> name = world_.name_of(action.request);
  auto taken = std::make_shared<bool>();
  remote([this, name, taken] { *taken = name && world_.store.objects().contains(*name); },
         [this, action, taken](bool lost) {
           escrow_->name_read(action.request, lost ? std::nullopt : std::optional(*taken), moment());
         });
}

void Replica::act_on(const ReadHolder& action) {
  auto stored = std::make_shared<Seconds>(0);
  const Seconds heard = heard_[action.holder];
  remote([this, action, stored] { *stored = world_.leases[action.holder]; },
         [this, action, stored, heard](bool lost) {
           if (!lost) heard_[action.holder] = std::max(heard_[action.holder], *stored);
           escrow_->holder_read(action.holder, lost ? std::nullopt : std::optional(*stored > heard), moment());
         });
}

}  // namespace headroom::limits
