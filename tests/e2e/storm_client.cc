#include "tests/e2e/storm_client.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "operator/kube/cpprest_transport.h"
#include "tests/support/polling.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kAgain{50};

std::unique_ptr<kube::Client> impatient_client(const kube::ClusterConfig& cluster) {
  kube::ClientLimits limits;
  limits.retry_for = std::chrono::milliseconds(0);
  limits.max_in_flight = 128;
  return std::make_unique<kube::Client>(kube::make_transport(cluster).value(), limits, 1);
}

/// The number behind a word of a message; null where there is none.
std::optional<std::int64_t> number_after(const std::string& message, const std::string& word) {
  const std::size_t at = message.find(word);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t from = at + word.size();
  std::int64_t number = 0;
  if (!absl::SimpleAtoi(message.substr(from, message.find_first_not_of("0123456789", from) - from), &number)) {
    return std::nullopt;
  }
  return number;
}

/// Said before anything was stored: by a webhook, by an API server that could not ask one, or that has just begun.
bool nothing_was_stored(const std::string& message) {
  return absl::StrContains(message, "cannot be judged now") || absl::StrContains(message, "failed calling webhook") ||
         absl::StrContains(message, "not yet ready to handle request");
}

}  // namespace

StormClient::StormClient(const kube::ClusterConfig& cluster, std::vector<Bound> bounds)
    : bounds_(std::move(bounds)), client_(impatient_client(cluster)) {}

StormClient::~StormClient() = default;

Outcome StormClient::note(Outcome outcome) {
  const std::lock_guard lock(mutex_);
  ++met_[static_cast<std::size_t>(outcome)];
  return outcome;
}

Outcome StormClient::create(const kube::ResourceType& type, const json& object) {
  const Time asked = std::chrono::steady_clock::now();
  const Result<json> made = client_->create(type, object, {});
  if (!made) {
    EXPECT_NE(made.error().http_status, 409) << "nobody else writes this name: " << made.error().message;
    return classify(made.error(), type, asked, [&](const Bound& bound) { return bound.use(object); });
  }
  {
    const std::lock_guard lock(mutex_);
    landings_.push_back({std::chrono::steady_clock::now(), revision_of(made.value()), {}, {}});
  }
  return note(Outcome::Landed);
}

Outcome StormClient::change(const kube::ResourceType& type, const std::optional<json>& before, const json& after,
                            const std::string& subresource) {
  const json& meta = after.at("metadata");
  const Time asked = std::chrono::steady_clock::now();
  kube::WriteOptions options;
  options.subresource = subresource;
  const Result<json> made = client_->patch(type, {meta.at("namespace"), meta.at("name")}, kube::PatchType::Merge,
                                           {{"spec", after.at("spec")}}, {}, options);
  if (!made) {
    return classify(made.error(), type, asked,
                    [&](const Bound& bound) { return before ? bound.use(after) - bound.use(*before) : -1; });
  }
  {
    const std::lock_guard lock(mutex_);
    landings_.push_back({std::chrono::steady_clock::now(), revision_of(made.value()), {}, {}});
  }
  return note(Outcome::Landed);
}

Outcome StormClient::remove(const kube::ResourceType& type, const api::ObjectKey& key) {
  const Time asked = std::chrono::steady_clock::now();
  const Status removed = client_->remove(type, key, {}, {});
  if (!removed) return classify(removed.error(), type, asked, [](const Bound&) { return -1; });
  {
    const std::lock_guard lock(mutex_);
    landings_.push_back({std::chrono::steady_clock::now(), 0, type, key});
  }
  return note(Outcome::Landed);
}

Outcome StormClient::persist(int seconds, const std::function<Outcome()>& ask) {
  Outcome outcome{};
  const auto is_final = [&] {
    outcome = ask();
    return outcome == Outcome::Landed || outcome == Outcome::OverLimit;
  };
  testing_support::poll(is_final, std::chrono::seconds(seconds), kAgain);
  return outcome;
}

Outcome StormClient::classify(const Error& error, const kube::ResourceType& type, Time asked,
                              const std::function<std::int64_t(const Bound&)>& expected) {
  if (nothing_was_stored(error.message)) return note(Outcome::NotNow);
  switch (error.http_status) {
    case 403:
      return refused(error, type, asked, expected);
    case 429:
      return note(Outcome::InFlight);
    case 409:
      return note(Outcome::Conflict);
    case 404:  // of an API server that has not heard of its CustomResourceDefinitions yet
      return note(Outcome::NotNow);
    case 0:
    case 500:
    case 503:
    case 504:
      return note(Outcome::Unknown);
    default:
      ADD_FAILURE() << error.http_status << " " << error.message;
      return note(Outcome::Unknown);
  }
}

Outcome StormClient::refused(const Error& error, const kube::ResourceType& type, Time asked,
                             const std::function<std::int64_t(const Bound&)>& expected) {
  const auto bound = std::ranges::find_if(bounds_, [&](const Bound& one) {
    return absl::StrContains(error.message, absl::StrCat(one.limit, ": over ", one.dimension, ": used "));
  });
  const std::optional<std::int64_t> more = number_after(error.message, ", asked ");
  if (bound == bounds_.end() || !more) {
    ADD_FAILURE() << "a refusal that names no limit: " << error.message;
    return note(Outcome::Unknown);
  }
  const std::int64_t wanted = expected(*bound);
  if (wanted >= 0 && *more != wanted) ADD_FAILURE() << "it asked for " << wanted << ": " << error.message;
  // What the next reader would see: everything that was stored by the time of the answer.
  kube::ListOptions newest;
  newest.limit = 1;
  newest.metadata_only = true;
  const auto page = client_->list(type, "", newest, {});
  StoreRevision until = 0;
  if (page && absl::SimpleAtoi(page.value().resource_version, &until)) {
    const std::lock_guard lock(mutex_);
    refusals_.push_back({asked, until, static_cast<std::size_t>(bound - bounds_.begin()), *more, error.message});
  }
  return note(Outcome::OverLimit);
}

std::string StormClient::tally() const {
  return absl::StrCat(count(Outcome::Landed), " landed, ", count(Outcome::OverLimit), " over the limit, ",
                      count(Outcome::InFlight), " in flight, ", count(Outcome::NotNow), " not now, ",
                      count(Outcome::Conflict), " conflicts, ", count(Outcome::Unknown), " unknown");
}

std::int64_t StormClient::count(Outcome outcome) const {
  const std::lock_guard lock(mutex_);
  return met_[static_cast<std::size_t>(outcome)];
}

std::int64_t StormClient::asked() const {
  const std::lock_guard lock(mutex_);
  std::int64_t sum = 0;
  for (const std::int64_t met : met_) sum += met;
  return sum;
}

std::vector<std::string> StormClient::wrong_refusals(const UseHistory& history) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<Time, StoreRevision>> known;
  for (const Landing& one : landings_) {
    known.emplace_back(one.answered, one.revision > 0 ? one.revision : history.deleted_at(one.type, one.key));
  }
  std::ranges::sort(known);
  for (std::size_t i = 1; i < known.size(); ++i) known[i].second = std::max(known[i].second, known[i - 1].second);
  std::vector<std::string> wrong;
  for (const Refusal& one : refusals_) {
    const auto after = std::ranges::lower_bound(known, one.asked, {}, &std::pair<Time, StoreRevision>::first);
    const StoreRevision from = after == known.begin() ? 0 : std::prev(after)->second;
    const std::int64_t most = history.most_between(one.bound, from, one.until);
    if (most + one.more > bounds_[one.bound].hard) continue;
    wrong.push_back(
        absl::StrCat("from revision ", from, " to ", one.until, " at most ", most, " was stored: ", one.message));
  }
  return wrong;
}

}  // namespace headroom::e2e
