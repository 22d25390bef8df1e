#include "tests/limits/simulation.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <utility>
#include <variant>
#include <vector>

#include "tests/limits/simulated_store.h"

namespace headroom::limits {
namespace {

using Seconds = double;

constexpr Seconds kApiDeadline = 60, kWebhookTimeout = 5, kLeaseLife = 15, kRenewEvery = 4;

/// Things that happen, in order of time.
class Agenda {
 public:
  Seconds now() const { return now_; }
  void in(Seconds delay, std::function<void()> what) {
    things_.push({now_ + std::max(delay, 0.0), ++order_, std::move(what)});
  }
  /// False when nothing is left before `until`.
  bool step(Seconds until) {
    if (things_.empty() || things_.top().at > until) {
      now_ = std::max(now_, until);
      return false;
    }
    Thing next = things_.top();
    things_.pop();
    now_ = next.at;
    next.what();
    return true;
  }

 private:
  struct Thing {
    Seconds at;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Thing& other) const { return std::pair(at, order) > std::pair(other.at, other.order); }
  };
  std::priority_queue<Thing> things_;
  Seconds now_ = 0;
  std::uint64_t order_ = 0;
};

/// One call of a webhook: what its answer is held against.
struct Call {
  std::string name;
  Charges charges;
  std::map<LimitId, Amounts> most_used;  ///< since it was asked
  std::function<void()> let_through;     ///< as soon as it is decided
  std::function<void(const Verdict&)> answered;
};

class World;

/// A webhook replica: the state machine and what stands around it in a process.
class Replica {
 public:
  Replica(World& world, int number) : world_(world), number_(number) {}

  bool serves() const { return escrow_ != nullptr && !stopped_; }
  void start();
  void crash() {
    escrow_.reset();
    ++life_;
  }
  void stop_for(Seconds time);
  void cut_for(Seconds time);
  void stall_for(Seconds time);
  void ask(RequestId request, const Write& write, const Charges& charges);
  void store_went_back();
  void hear_renewal(const Holder& holder);
  void store_changed();
  void ledger_changed(LimitId limit);
  const Escrow* escrow() const { return escrow_.get(); }
  const Holder& holder() const { return holder_; }

 private:
  Moment moment() const;
  void act();
  void act_on(const AnswerRequest& action);
  void act_on(const SwapLedger& action);
  void act_on(const ReadLedger& action);
  void act_on(const ReadRevision& action);
  void act_on(const ListType& action);
  void act_on(const ReadName& action);
  void act_on(const ReadHolder& action);
  void list(TypeId type);
  void reconnect();
  void deliver(const StoreEvent& event);
  void bookmarks();
  void renew();
  void tick();
  /// Runs when the process is running, in this life of it; work that arrives while it is stopped waits.
  void later(Seconds delay, std::function<void()> what);
  /// A round trip to the API server; `reply` hears of a loss, too.
  void remote(std::function<void()> there, std::function<void(bool lost)> reply);

  World& world_;
  int number_;
  int life_ = 0, lives_ = 0;
  bool stopped_ = false, cut_ = false, arriving_ = false;
  bool stalled_ = false;  ///< its watches bring nothing, although all else works
  Seconds stopped_until_ = 0;
  double clock_rate_ = 1, clock_offset_ = 0;
  std::unique_ptr<UsageCache> usage_;
  std::unique_ptr<Escrow> escrow_;
  Holder holder_;
  BootTime lease_until_;
  std::map<Holder, Seconds> heard_;  ///< the newest renewal that a watch has shown
  std::size_t seen_events_ = 0;
  int store_age_ = 0;  ///< which of the store's pasts the cursor belongs to
};

class World {
 public:
  explicit World(const SimulationOptions& asked) : options(asked), random(asked.seed), flow_truth_(asked.flow) {
    for (int i = 0; i < options.replicas; ++i) replicas.push_back(std::make_unique<Replica>(*this, i));
  }

  SimulationReport run();

  double chance() { return std::uniform_real_distribution<double>(0, 1)(random); }
  int pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); }
  /// Mostly short, rarely long.
  Seconds delay(Seconds usual, Seconds rare, double rarely) {
    return chance() < rarely ? chance() * rare : chance() * usual;
  }
  bool disturbed() const { return options.disturbances && !quiet; }

  LimitTerms terms(LimitId limit) const {
    constexpr Amount kOne = Quantity::kNano;
    if (limit == kFlow) {
      const FlowTruth::Bounds& flow = options.flow;
      FlowTerms terms{absl::Seconds(flow.window),
                      absl::Seconds(flow.assume_done_after),
                      options.resume_below * kOne,
                      static_cast<std::size_t>(options.queue),
                      absl::Seconds(2),
                      kAll};
      return {1, "flow", {flow.max * kOne, flow.burst * kOne}, {}, terms};
    }
    if (limit == kAll) return {1, "all", {options.hard_count * kOne, options.hard_sum * kOne}, {0, 1}};
    return {1, "flagged", {options.hard_flagged * kOne}, {0}};
  }

  std::optional<std::string> name_of(RequestId request) const {
    const auto it = calls.find(request);
    return it == calls.end() ? std::nullopt : std::optional(it->second.name);
  }
  void changed();
  void check();
  void ledger_changed(LimitId limit) {
    for (const auto& replica : replicas) replica->ledger_changed(limit);
  }
  void answer(RequestId request, const Verdict& verdict);
  /// By a replica, whether the answer arrives or not.
  void decided(RequestId request, const Verdict& verdict);
  bool flows() const { return options.flow.max > 0; }
  void look_at_flow();

  const SimulationOptions options;
  std::mt19937_64 random;
  Agenda agenda;
  SimulatedStore store;
  int store_age = 0;
  std::vector<std::unique_ptr<Replica>> replicas;
  std::map<RequestId, Call> calls;
  std::map<Holder, Seconds> leases;  ///< the newest renewal that is stored
  SimulationReport report;
  bool quiet = false;

 private:
  struct Intent {
    bool create = false;
    StoredObject object;                   ///< as it will be
    std::optional<StoredObject> before{};  ///< of an update
    Seconds given_up = 0;                  ///< by the API server
    std::uint64_t number = 0;              ///< of all that clients began
    int age = 0;
  };
  static std::string key_of(const Intent& intent);
  bool can_land(const Intent& intent) const;
  void client(int number);
  void hold_against(LimitId limit, const Amounts& hard, const Amounts& used, const char* what);
  /// What would be stored if every write that may still land did, one per name.
  Amounts at_most_soon(LimitId limit) const;
  void request(const Intent& intent, std::function<void()> done, int repeats);
  void disturb();
  void violation(std::string what) {
    if (report.violations.size() < 5) report.violations.push_back(absl::StrCat("at ", agenda.now(), " s: ", what));
  }

  FlowTruth flow_truth_;
  Amounts flow_in_use_;
  Seconds without_room_ = 0;                   ///< when the flow was last seen to be full, or a limit contended for
  std::map<std::uint64_t, Intent> in_flight_;  ///< admitted, and neither landed nor given up
  std::uint64_t last_in_flight_ = 0;
  RequestId last_request_ = 0;
  std::uint64_t last_uid_ = 0;
  int started_ = 0, under_way_ = 0;
  std::optional<SimulatedStore::Saved> saved_;
  /// A replica that has not noticed yet admits by a record that is no more. Until that is over, a limit may be
  /// exceeded, and from then on use must not grow beyond it.
  struct Restored {
    Seconds until = 0;
    std::map<LimitId, Amounts> tolerated{};
  };
  std::optional<Restored> restored_;
};

// --- a replica ------------------------------------------------------------------------------------------------------

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
  usage_->define(kAll, 2, true, kTypes);
  usage_->define(kFlagged, 1, true, std::span(kTypes).first(1));
  holder_ = {absl::StrCat("replica-", number_), ++lives_};
  lease_until_ = -absl::InfiniteDuration();
  EscrowOptions escrow_options;
  escrow_options.lease_life = absl::Seconds(kLeaseLife);
  escrow_ = std::make_unique<Escrow>(holder_, escrow_options, *usage_);
  for (const LimitId limit : kLimits) escrow_->set_limit(limit, world_.terms(limit));
  if (world_.flows()) escrow_->set_limit(kFlow, world_.terms(kFlow));
  store_age_ = world_.store_age;
  for (const TypeId type : kTypes) list(type);
  seen_events_ = world_.store.history().size();
  arriving_ = false;
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
    if (object.type == type) usage_->listed(type, object.listed(), object.memberships());
  }
  const auto gone = usage_->commit_list(type, world_.store.revision());
  for (const auto& [name, object] : world_.store.objects()) {
    if (object.type == type) escrow_->seen(type, object.uid, object.version, false);
  }
  for (const Uid& uid : gone) escrow_->seen(type, uid, world_.store.revision(), true);
  escrow_->cache_moved(type, moment());
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
    if (seen_events_ < history.size()) store_changed();
  });
}

void Replica::deliver(const StoreEvent& event) {
  const StoredObject& object = event.object;
  if (object.version <= usage_->revision(object.type)) {
    // A list was ahead of the watch; writes that came and went before it have their end here.
  } else if (event.deleted) {
    usage_->deleted(object.type, object.listed(), kLimits);
  } else {
    usage_->applied(object.type, object.listed(), object.memberships());
  }
  escrow_->seen(object.type, object.uid, object.version, event.deleted);
  escrow_->cache_moved(object.type, moment());
  act();  // of each event by itself, as the engine does
}

void Replica::ledger_changed(LimitId limit) {
  if (!escrow_ || cut_) return;
  later(world_.delay(0.004, world_.disturbed() ? 3 : 0.05, 0.01), [this, limit] {
    if (!cut_ && !stalled_) escrow_->ledger_read(limit, world_.store.ledger(limit), moment());
  });
}

void Replica::reconnect() {
  store_changed();
  for (const LimitId limit : kLedgers) ledger_changed(limit);
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
          escrow_->begin_anew(holder_);
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

void Replica::ask(RequestId request, const Write& write, const Charges& charges) {
  later(world_.delay(0.001, 0.1, 0.01), [this, request, write, charges] {
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
  world_.decided(action.request, action.verdict);
  const bool lost = world_.disturbed() && world_.chance() < 0.005;
  if (lost) return;
  world_.agenda.in(world_.delay(0.001, 0.1, 0.01), [this, action] { world_.answer(action.request, action.verdict); });
}

void Replica::act_on(const SwapLedger& action) {
  ++world_.report.swaps;
  auto result = std::make_shared<std::optional<LedgerRecord>>();
  remote(
      [this, action, result] {
        *result = world_.store.swap(action.limit, action.swap.record);
        if (*result) world_.ledger_changed(action.limit);
      },
      [this, action, result](bool lost) {
        const SwapOutcome outcome = lost ? SwapOutcome::Lost : *result ? SwapOutcome::Landed : SwapOutcome::Refused;
        escrow_->swapped(action.limit, action.swap.sequence, outcome, lost ? std::nullopt : *result, moment());
      });
}

void Replica::act_on(const ReadLedger& action) {
  auto record = std::make_shared<LedgerRecord>();
  remote([this, action, record] { *record = world_.store.ledger(action.limit); },
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

void Replica::act_on(const ListType& action) {
  ++world_.report.lists;
  later(world_.delay(0.01, 0.2, 0.05), [this, action] {
    if (!cut_ && store_age_ == world_.store_age) list(action.type);
  });
}

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

// --- clients and the API server -----------------------------------------------------------------------------------

void World::changed() {
  for (const auto& replica : replicas) replica->store_changed();
  check();
}

void World::check() {
  for (const LimitId limit : kLimits) {
    const Amounts used = store.used(limit);
    const Amounts soon = at_most_soon(limit);
    Amounts bound = terms(limit).hard;
    if (restored_) {
      Amounts& tolerated = restored_->tolerated[limit];
      tolerated = agenda.now() <= restored_->until ? most(tolerated, soon) : least(tolerated, soon);
      bound = most(bound, tolerated);
    }
    hold_against(limit, bound, used, "stored");
    hold_against(limit, bound, soon, "stored if all lands that may");
    for (auto& [request, call] : calls) {
      Amounts& seen = call.most_used[limit];
      seen = most(seen, used);
    }
  }
}

void World::hold_against(LimitId limit, const Amounts& hard, const Amounts& used, const char* what) {
  for (std::size_t i = 0; i < hard.size(); ++i) {
    if (used[i] <= hard[i]) continue;
    violation(absl::StrCat("limit ", limit, " dimension ", i, ": ", Quantity::from_nano(used[i]).to_string(), " ", what,
                           ", of ", Quantity::from_nano(hard[i]).to_string()));
  }
}

Amounts World::at_most_soon(LimitId limit) const {
  std::map<std::string, Amounts> by_name;
  const auto raise = [&](const StoredObject& object) {
    for (const Membership& one : object.memberships()) {
      if (one.limit == limit && one.matches) by_name[object.name] = most(by_name[object.name], one.amounts);
    }
  };
  for (const auto& [name, object] : store.objects()) raise(object);
  for (const auto& [token, intent] : in_flight_) {
    // An update lands upon the version that it was made for, or not at all.
    const auto stored = store.objects().find(intent.object.name);
    if (intent.create || (stored != store.objects().end() && stored->second.uid == intent.object.uid &&
                          stored->second.version == intent.object.version)) {
      raise(intent.object);
    }
  }
  Amounts sum;
  for (const auto& [name, amounts] : by_name) sum += amounts;
  return sum;
}

void World::look_at_flow() {
  flow_in_use_ = Amounts(kFlowDimensions);
  for (const auto& replica : replicas) {
    if (replica->escrow() != nullptr) flow_in_use_ += replica->escrow()->pending(kFlow);
  }
  const Amounts hard = terms(kFlow).hard;
  const bool full = flow_in_use_[kConcurrency] >= hard[kConcurrency] || flow_in_use_[kRate] >= hard[kRate];
  // Writes that wait for room beneath a limit ask for units as well, and units go around among those who cannot start.
  const bool others_wait = std::ranges::any_of(kLimits, [&](LimitId limit) { return !store.recalls(limit).empty(); });
  if (full || others_wait) without_room_ = agenda.now();
}

void World::decided(RequestId request, const Verdict& verdict) {
  if (flows()) look_at_flow();
  const auto call = calls.find(request);
  if (call == calls.end()) return;
  if (verdict.kind == Verdict::Kind::Allowed && call->second.let_through) call->second.let_through();
  const bool by_flow = verdict.kind == Verdict::Kind::OverConcurrency || verdict.kind == Verdict::Kind::OverRate;
  // Long enough for a recall, and for whoever had to wait for one.
  constexpr Seconds kLongEnough = 4;
  const bool pauses = options.resume_below < options.flow.max;
  if (by_flow && !options.disturbances && !pauses && without_room_ + kLongEnough < agenda.now()) {
    violation(absl::StrCat("refused by flow, although there was room since ", without_room_, " s"));
  }
}

std::string World::key_of(const Intent& intent) {
  if (intent.create) return absl::StrCat("create ", intent.object.name);
  return absl::StrCat("update ", intent.object.uid.low, " ", intent.before->version);
}

bool World::can_land(const Intent& intent) const {
  const auto stored = store.objects().find(intent.object.name);
  if (intent.create) return stored == store.objects().end();
  return stored != store.objects().end() && stored->second.uid == intent.object.uid &&
         stored->second.version == intent.before->version;
}

void World::answer(RequestId request, const Verdict& verdict) {
  const auto it = calls.find(request);
  if (it == calls.end()) return;
  Call call = std::move(it->second);
  calls.erase(it);
  switch (verdict.kind) {
    case Verdict::Kind::Allowed:
      ++report.allowed;
      break;
    case Verdict::Kind::InFlight:
      ++report.in_flight;
      break;
    case Verdict::Kind::OverConcurrency:
    case Verdict::Kind::OverRate:
      ++report.over_flow;
      break;
    case Verdict::Kind::Unavailable:
      ++report.unavailable;
      break;
    case Verdict::Kind::NameTaken:
      ++report.name_taken;
      break;
    case Verdict::Kind::OverLimit: {
      ++report.over_limit;
      const auto charge = std::ranges::find(call.charges, verdict.limit, &Charge::limit);
      if (charge == call.charges.end() ||
          terms(verdict.limit).hard.covers(call.most_used[verdict.limit] + charge->amounts)) {
        violation(absl::StrCat("refused by limit ", verdict.limit, " although it fitted all the time"));
      }
    }
  }
  call.answered(verdict);
}

void World::request(const Intent& intent, std::function<void()> done, int repeats) {
  std::vector<Replica*> serving;
  for (const auto& replica : replicas) {
    if (replica->escrow() != nullptr) serving.push_back(replica.get());
  }
  if (serving.empty() || agenda.now() > intent.given_up || intent.age != store_age) return agenda.in(0.1, done);
  Write write;
  write.type = intent.object.type;
  write.uid = intent.object.uid;
  write.old_version = intent.before ? intent.before->version : 0;
  write.name = name_id("ns", intent.object.name);
  Charges charges = charges_of(intent.before ? &*intent.before : nullptr, intent.object);
  if (flows()) charges.push_back({kFlow, {kOneWrite, kOneWrite}});

  const auto land = [this, intent, done] {
    const bool disturbed_now = disturbed();
    if (disturbed_now && chance() < 0.02) {  // refused by another webhook, or its client has gone
      ++report.never_landed;
      return done();
    }
    const Seconds left = intent.given_up - agenda.now();
    const std::uint64_t token = ++last_in_flight_;
    in_flight_.emplace(token, intent);
    check();
    agenda.in(
        std::min(delay(0.004, disturbed_now ? kApiDeadline : 0.05, disturbed_now ? 0.05 : 0.01), std::max(left, 0.0)),
        [this, intent, done, token] {
          if (in_flight_.erase(token) == 0) return done();  // the store was restored meanwhile
          if (intent.age == store_age && agenda.now() <= intent.given_up) {
            const bool landed = intent.create ? store.create(intent.object) : store.update(intent.object);
            ++(landed ? report.landed : report.never_landed);
            if (landed) changed();
          }
          done();
        });
  };
  const RequestId id = ++last_request_;
  Call call;
  call.name = intent.object.name;
  call.charges = charges;
  for (const LimitId limit : kLimits) call.most_used[limit] = store.used(limit);
  if (flows()) {
    call.let_through = [this, intent] {
      if (intent.age != store_age || !can_land(intent)) return;
      const auto lands = [this, intent] { return can_land(intent); };
      const auto broken = flow_truth_.admitted(key_of(intent), intent.number, agenda.now(), lands);
      if (broken) violation(*broken);
    };
  }
  call.answered = [this, intent, done, repeats, land](const Verdict& verdict) {
    const bool by_flow = verdict.kind == Verdict::Kind::OverConcurrency || verdict.kind == Verdict::Kind::OverRate;
    if (by_flow) return agenda.in(chance() * 0.5, done);  // the client comes back later
    if (verdict.kind != Verdict::Kind::Allowed) return done();
    // The API server may call again for the same write, another replica as like as not.
    if (repeats > 0) return request(intent, done, repeats - 1);
    land();
  };
  calls.emplace(id, std::move(call));
  Replica* const asked = serving[static_cast<std::size_t>(pick(static_cast<int>(serving.size())))];
  asked->ask(id, write, charges);
  agenda.in(kWebhookTimeout, [this, id, done] {
    if (calls.erase(id) > 0) done();  // no answer: the write fails
  });
}

void World::client(int number) {
  if (started_ >= options.writes) return;
  ++started_;
  ++under_way_;
  const auto rest = [this, number] {
    --under_way_;
    agenda.in(delay(0.005, 0.5, 0.02), [this, number] { client(number); });
  };
  Intent intent;
  const auto ending = [this, rest](const Intent& one) {
    return [this, rest, one] {
      flow_truth_.ended(key_of(one), one.number);
      rest();
    };
  };
  intent.given_up = agenda.now() + kApiDeadline;
  intent.age = store_age;
  intent.number = static_cast<std::uint64_t>(started_);
  const double what = chance();
  const auto& objects = store.objects();
  if (what < 0.45 || objects.empty()) {
    intent.create = true;
    intent.object.type = static_cast<TypeId>(pick(2));
    // A third are create-or-get loops over few names.
    intent.object.name =
        chance() < 0.3 ? absl::StrCat("t", intent.object.type, "-", pick(10)) : absl::StrCat("u", last_uid_);
    intent.object.uid = {1, ++last_uid_};
    intent.object.amount = pick(6);
    intent.object.flagged = chance() < 0.5;
    return request(intent, ending(intent), chance() < 0.01 ? 2 : 0);
  }
  const auto it = std::next(objects.begin(), pick(static_cast<int>(objects.size())));
  if (what < 0.75) {
    intent.object = it->second;
    intent.before = it->second;
    intent.object.amount = pick(8);
    if (chance() < 0.2) intent.object.flagged = !intent.object.flagged;
    return request(intent, ending(intent), chance() < 0.05 ? 3 : 0);
  }
  agenda.in(delay(0.004, 0.05, 0.01), [this, name = it->first, rest] {
    if (store.remove(name)) changed();
    rest();
  });
}

void World::disturb() {
  agenda.in(chance() * 20, [this] {
    if (quiet) return;
    Replica& replica = *replicas[static_cast<std::size_t>(pick(options.replicas))];
    const double what = chance();
    if (options.restores && what < 0.2) {
      if (!saved_) {
        saved_ = store.save();
      } else {
        ++report.restores;
        store.restore(*saved_);
        saved_.reset();
        ++store_age;
        in_flight_.clear();
        restored_ = Restored{agenda.now() + kLeaseLife + kApiDeadline};
        for (const auto& one : replicas) one->store_went_back();
      }
    } else if (what < 0.45) {
      ++report.crashes;
      replica.crash();
      agenda.in(delay(2, 120, 0.3), [&replica] { replica.start(); });
    } else if (what < 0.6) {
      ++report.stalls;
      replica.stall_for(delay(2, 100, 0.4));
    } else if (what < 0.8) {
      ++report.stops;
      replica.stop_for(delay(2, 100, 0.4));
    } else {
      ++report.cuts;
      replica.cut_for(delay(2, 250, 0.4));
    }
    disturb();
  });
}

SimulationReport World::run() {
  for (const auto& replica : replicas) replica->start();
  agenda.in(1, [this] {
    for (int i = 0; i < options.clients; ++i) client(i);
  });
  if (options.disturbances) disturb();
  constexpr Seconds kTooLong = 100'000;
  while ((started_ < options.writes || under_way_ > 0) && agenda.step(kTooLong)) {
  }
  if (under_way_ > 0) violation(absl::StrCat(under_way_, " writes never had an end"));
  // From now on nothing disturbs; what was in flight ends, the dead are declared dead, the idle gives back.
  quiet = true;
  for (const auto& replica : replicas) replica->start();
  const Seconds end = agenda.now() + 3 * (kApiDeadline + kLeaseLife) + 250;
  while (agenda.step(end)) {
  }
  for (const LimitId limit : kLedgers) {
    const LedgerRecord record = store.ledger(limit);
    if (!record.grants.empty())
      violation(absl::StrCat("limit ", limit, ": ", record.grants.size(), " grants never came home"));
    if (!record.recalls.empty()) violation(absl::StrCat("limit ", limit, ": a recall stays open"));
  }
  for (const auto& replica : replicas) {
    if (!replica->escrow()) continue;
    if (replica->escrow()->reserved() > 0)
      violation(absl::StrCat(replica->escrow()->reserved(), " reservations never had an end"));
    if (replica->escrow()->waiting() > 0) violation("writes wait for ever");
  }
  report.seconds = agenda.now();
  return report;
}

}  // namespace

SimulationReport simulate(const SimulationOptions& options) { return World(options).run(); }

}  // namespace headroom::limits
