#include "webhook/app/keeper.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "operator/base/backoff.h"
#include "operator/base/log.h"
#include "webhook/app/ledger_codec.h"
#include "webhook/app/moment.h"
#include "webhook/app/own_kind_reviews.h"
#include "webhook/app/store_configuration.h"
#include "webhook/app/webhook_configuration.h"

namespace headroom::webhook {
namespace {

using std::chrono::milliseconds;

// Changes of limits and namespaces come in bursts.
constexpr milliseconds kGather{20};
constexpr milliseconds kLookAround{2000};
constexpr milliseconds kApplyAgain{1000};
// Somebody who alters the configuration each time is not to have it written twice a second, and is told by then.
constexpr Backoff kContested{milliseconds(1000), 2, milliseconds(60'000), 0.2};
constexpr milliseconds kUncontested{600'000};
// Each loser of a race for the configuration reads it again.
constexpr int kMostRaces = 4;
constexpr milliseconds kTidyUp{30'000};
constexpr std::size_t kMostTidiedUp = 10;

}  // namespace

Keeper::Keeper(const WebhookOptions& options, LimitFollowers followers, CertificateKeeper& certificates,
               std::shared_ptr<kube::Client> client, const Clock& clock)
    : options_(options),
      followers_(followers),
      certificates_(certificates),
      client_(std::move(client)),
      clock_(clock),
      book_(options.reached_at.excluded_namespaces),
      scale_definitions_(client_),
      ledger_sweep_(client_, options.own_namespace, 2 * (options.escrow.lease_life + options.escrow.request_deadline)),
      endpoints_(client_, options.reached_at.service_ns, options.reached_at.service) {}

void Keeper::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Keeper::stop() { thread_ = {}; }

void Keeper::limits_changed() {
  std::lock_guard lock(mutex_);
  news_.limits = true;
  changed_.notify_all();
}

void Keeper::configuration_lacks() {
  std::lock_guard lock(mutex_);
  news_.configuration = true;
  changed_.notify_all();
}

void Keeper::bundle_changed() {
  std::lock_guard lock(mutex_);
  news_.bundle = true;
  changed_.notify_all();
}

void Keeper::store_went_back() {
  std::lock_guard lock(mutex_);
  news_.restored = true;
  changed_.notify_all();
}

SeenLimits Keeper::seen() const {
  std::lock_guard lock(mutex_);
  return seen_;
}

Keeper::News Keeper::wait_for_news(const std::stop_token& stop, milliseconds at_most) {
  std::unique_lock lock(mutex_);
  // The last of them may have nothing to list, and then nobody tells of it.
  if (news_.limits) at_most = std::min(at_most, kGather);
  changed_.wait_for(lock, stop, at_most, [this] {
    return (news_.limits && followers_.limits.synced()) || news_.configuration || news_.bundle || news_.restored;
  });
  News news{false, std::exchange(news_.configuration, false), std::exchange(news_.bundle, false),
            std::exchange(news_.restored, false)};
  if (news_.limits && followers_.limits.synced()) {
    changed_.wait_for(lock, stop, kGather, [] { return false; });
    news.limits = std::exchange(news_.limits, false);
  }
  return news;
}

void Keeper::adopt_limits() {
  const LimitChange change =
      book_.update(followers_.limits.limits(), followers_.limits.namespaces(), scale_definitions_.fields());
  followers_.engine.adopt(change);
  if (!change.dropped.empty()) ledgers_swept_ = false;
  followers_.types.watch(change.types);
  followers_.switches.watch(*change.limits);
  {
    std::lock_guard lock(mutex_);
    seen_ = SeenLimits::of(*change.limits);
  }
  followers_.statuses.adopted(change.limits);
}

bool Keeper::apply_configuration(const std::stop_token& stop) {
  const auto set = followers_.engine.limits();
  if (options_.configuration.empty() || !set) return true;
  const Status applied = apply(*set, stop);
  const std::string problem = applied ? "" : applied.error().message;
  if (std::exchange(problem_, problem) != problem && !applied) {
    log::warning("the webhook configuration is not applied yet", {{"error", problem}});
  }
  return applied.has_value();
}

Status Keeper::apply(const limits::LimitSet& limits, const std::stop_token& stop) {
  const api::ObjectKey key{"", options_.configuration};
  nlohmann::json entries = webhook_configuration(options_.configuration, limits, options_.reached_at);
  if (!applied_configuration_.is_null() && entries == applied_entries_) {
    followers_.statuses.covered(limits);
    return ok();
  }
  for (int race = 0;; ++race) {
    const auto stored = client_->get(kube::types::kValidatingWebhookConfiguration, key, stop);
    if (!stored && stored.error().code != ErrorCode::NotFound) return stored.error();
    if (!stored) {
      BOOST_OUTCOME_TRYV(endpoints_.reachable(machine_moment().boot, stop));
    }
    const nlohmann::json there = stored ? stored.value() : nlohmann::json();
    BOOST_OUTCOME_TRY(bundle, certificates_.bundle_for(there));
    WebhookAddress address = options_.reached_at;
    address.ca_pem = bundle.value_or("");
    nlohmann::json wanted = webhook_configuration(options_.configuration, limits, address);
    wanted["webhooks"].push_back(own_kinds_entry(address));
    if (wanted == applied_configuration_) {
      applied_entries_ = std::move(entries);
      followers_.statuses.covered(limits);
      return ok();
    }
    // Only over what the bundle was made for: no authority that another replica has just added may be lost.
    nlohmann::json patch = wanted;
    if (stored) patch["metadata"]["resourceVersion"] = there["metadata"]["resourceVersion"];
    const Status written = store_configuration(*client_, patch, stop);
    if (written) {
      applied_configuration_ = std::move(wanted);
      applied_entries_ = std::move(entries);
      followers_.statuses.applied(limits, applied_configuration_);
      return ok();
    }
    if (written.error().code != ErrorCode::Conflict || race == kMostRaces) return written.error();
  }
}

void Keeper::tidy_up(const std::stop_token& stop) {
  for (const ReplicaLeases::Silent& one :
       followers_.replicas.silent_for(tidied_up_after(options_.escrow), kMostTidiedUp)) {
    if (followers_.engine.holds_grants(one.name)) continue;
    log::info("removing the Lease of a replica that is gone", {{"lease", one.name}});
    const auto removed =
        client_->remove(kube::types::kLease, {options_.own_namespace, one.name}, {"", one.resource_version}, stop);
    if (!removed) log::warning("it stays for now", {{"lease", one.name}, {"error", removed.error().message}});
  }
  const auto limits = followers_.engine.limits();
  if (ledgers_swept_ || !limits || !followers_.statuses.leading()) return;
  std::set<std::string> known;
  for (const LimitPtr& limit : limits->limits()) known.insert(ledger_name_of(*limit));
  ledgers_swept_ = ledger_sweep_.sweep(known, machine_moment().boot, stop);
}

bool Keeper::may_apply_again() {
  const SteadyTime now = clock_.steady_now();
  if (now < contested_until_) return false;
  contests_ = now < contested_until_ + kUncontested ? contests_ + 1 : 0;
  contested_until_ = now + kContested.delay(contests_, std::hash<std::string>{}(options_.identity));
  return true;
}

void Keeper::run(const std::stop_token& stop) {
  SteadyTime tidy = clock_.steady_now() + kTidyUp;
  bool applied = false, lease_started = false;
  while (!stop.stop_requested()) {
    const News news = wait_for_news(stop, applied ? kLookAround : kApplyAgain);
    if (stop.stop_requested()) return;
    const bool lacks = news.configuration && may_apply_again();
    if (lacks) log::warning("the webhook configuration is not as it was applied; applying it again");
    if (news.restored) {
      followers_.limits.begin_anew();
      followers_.types.begin_anew();
      followers_.switches.begin_anew();
    }
    if (lacks || news.bundle || news.restored) {
      applied_configuration_ = nullptr;
      applied = false;
    }
    const bool knows_limits = news.limits || lease_started;
    const bool scales_otherwise =
        knows_limits && scale_definitions_.refresh(followers_.limits.limits(), machine_moment().boot, stop);
    if (news.limits || scales_otherwise) adopt_limits();
    // A replica that knows no limits yet has no say; once it has, its Lease tells which ones it judges by.
    if (news.limits && !std::exchange(lease_started, true)) followers_.lease.start();
    followers_.statuses.set_watch_problems(followers_.types.problems());
    if (news.limits || !applied) applied = apply_configuration(stop);
    if (clock_.steady_now() >= tidy) {
      tidy_up(stop);
      tidy = clock_.steady_now() + kTidyUp;
    }
  }
}

}  // namespace headroom::webhook
