// Clients of the simulation, and what the API server makes of their writes.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/limits/simulated_world.h"

namespace headroom::limits {

namespace {

constexpr Seconds kWebhookTimeout = 5;

}  // namespace

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

void World::charged(RequestId request, const Charges& charges) {
  if (const auto call = calls.find(request); call != calls.end()) call->second.charges = charges;
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
      const LimitId ledger = ledger_of(verdict.limit);
      if (charge == call.charges.end() ||
          (call.limits_known && (limits.terms(ledger).hard - call.most_used[ledger]).affords(charge->amounts))) {
        violation(absl::StrCat("refused by limit ", verdict.limit, " although it fitted all the time"));
      }
    }
  }
  call.answered(verdict, call.aware);
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

  const auto land = [this, done](const Intent& admitted) {
    const bool disturbed_now = disturbed();
    if (disturbed_now && chance() < 0.02) {  // refused by another webhook, or its client has gone
      ++report.never_landed;
      return done();
    }
    const Seconds left = admitted.given_up - agenda.now();
    const std::uint64_t token = ++last_in_flight_;
    in_flight_.emplace(token, admitted);
    check(!admitted.aware);
    agenda.in(
        std::min(delay(0.004, disturbed_now ? kApiDeadline : 0.05, disturbed_now ? 0.05 : 0.01), std::max(left, 0.0)),
        [this, admitted, done, token] {
          if (in_flight_.erase(token) == 0) return done();  // the store was restored meanwhile
          if (admitted.age == store_age && agenda.now() <= admitted.given_up) {
            const bool landed = admitted.create ? store.create(admitted.object) : store.update(admitted.object);
            ++(landed ? report.landed : report.never_landed);
            if (landed) changed();
          }
          done();
        });
  };
  const RequestId id = ++last_request_;
  Call call;
  call.name = intent.object.name;
  call.limits_known = known_to_all(limits.generation);
  for (const LimitId ledger : kLimits) call.most_used[ledger] = used(ledger);
  if (flows()) {
    call.let_through = [this, intent] {
      if (intent.age != store_age || !can_land(intent)) return;
      const auto lands = [this, intent] { return can_land(intent); };
      // Creates of one name may land one after the other.
      const std::string key = key_of(intent);
      const std::string counted_as = intent.create ? absl::StrCat(key, " ", intent.object.uid.low) : key;
      const auto broken = flow_truth_.admitted(key, counted_as, intent.number, agenda.now(), lands);
      // What was let through before all had noticed is in the window for as long as that is.
      const Seconds longest = std::max(options.flow.window, options.flow.assume_done_after);
      if (broken && !(restored_until_ && agenda.now() <= *restored_until_ + longest)) violation(*broken);
    };
  }
  call.answered = [this, intent, done, repeats, land](const Verdict& verdict, bool aware) {
    const bool by_flow = verdict.kind == Verdict::Kind::OverConcurrency || verdict.kind == Verdict::Kind::OverRate;
    if (by_flow) return agenda.in(chance() * 0.5, done);  // the client comes back later
    if (verdict.kind != Verdict::Kind::Allowed) return done();
    // The API server may call again for the same write, another replica as like as not.
    Intent admitted = intent;
    admitted.aware = intent.aware && aware;
    if (repeats > 0) return request(admitted, done, repeats - 1);
    land(admitted);
  };
  calls.emplace(id, std::move(call));
  Replica* const asked = serving[static_cast<std::size_t>(pick(static_cast<int>(serving.size())))];
  asked->ask(id, write, intent.before, intent.object);
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

}  // namespace headroom::limits
