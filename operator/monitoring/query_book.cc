#include "operator/monitoring/query_book.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "operator/base/duration.h"

namespace headroom::monitoring {
namespace {

/// Failures that say something about the server rather than about the query.
bool blames_server(const Error& error) {
  switch (error.code) {
    case ErrorCode::InvalidArgument:
    case ErrorCode::NotFound:
      return false;
    default:
      return true;
  }
}

/// `interval` within ±10 %, so that queries that began together drift apart.
std::chrono::nanoseconds jittered(std::chrono::nanoseconds interval, std::uint64_t random) {
  return interval * 9 / 10 + std::chrono::nanoseconds(random % static_cast<std::uint64_t>(interval.count() / 5 + 1));
}

}  // namespace

QuerySource::Answer QueryBook::ask(const std::string& region_name, const std::string& query, const std::string& server,
                                   absl::Duration staleness, SteadyTime now) {
  Region& region = regions_[region_name];
  if (region.server != server) {
    region.server = server;
    region.failures = 0;
    region.problem.clear();
    region.not_before = now;
    for (auto& [text, entry] : region.entries) {
      entry.answered.reset();
      if (!entry.under_way) schedule(region, text, entry, now);
    }
  }
  auto found = region.entries.find(query);
  if (found == region.entries.end()) {
    if (size_ >= options_.max_queries) {
      return {std::nullopt,
              absl::StrCat("more than ", options_.max_queries,
                           " queries are in use: share queries between targets, or record them as metrics"),
              true};
    }
    found = region.entries.emplace(query, Entry{}).first;
    ++size_;
    schedule(region, query, found->second, now);
  }
  Entry& entry = found->second;
  entry.asked_for = now;
  if (!region.problem.empty()) return {std::nullopt, region.problem, true};
  if (!entry.answered) return {};
  if (entry.value && absl::FromChrono(now - *entry.answered) > staleness) {
    const absl::Duration age = absl::Trunc(absl::FromChrono(now - *entry.answered), absl::Seconds(1));
    return {std::nullopt, absl::StrCat("the last answer is ", format_duration(age), " old"), true};
  }
  return {entry.value, entry.problem, true};
}

void QueryBook::schedule(Region& region, const std::string& query, Entry& entry, SteadyTime due) {
  region.due.erase({entry.due, query});
  entry.due = due;
  region.due.emplace(due, query);
}

bool QueryBook::ready(const Region& region, SteadyTime now) const {
  // While a server is away one request is enough to find out whether it is back.
  const int allowed = region.failures > 0 ? 1 : options_.max_in_flight;
  return region.in_flight < allowed && region.not_before <= now && !region.due.empty() &&
         region.due.begin()->first <= now;
}

std::optional<QueryBook::Poll> QueryBook::take(SteadyTime now) {
  auto chosen = regions_.end();
  for (auto it = regions_.begin(); it != regions_.end(); ++it) {
    if (ready(it->second, now) && (chosen == regions_.end() || it->second.turn < chosen->second.turn)) chosen = it;
  }
  if (chosen == regions_.end()) return std::nullopt;
  Region& region = chosen->second;
  region.turn = ++turns_;
  ++region.in_flight;
  Poll poll{chosen->first, region.due.begin()->second, region.server};
  region.due.erase(region.due.begin());
  region.entries[poll.query].under_way = true;
  return poll;
}

bool QueryBook::server_failed(Region& region, const Error& error, SteadyTime now, std::uint64_t random) {
  ++region.failures;
  if (region.failures == 1) {
    region.not_before = now + options_.second_try;
    return false;
  }
  region.not_before = now + options_.away.delay(region.failures - 2, random);
  const bool news = region.problem != error.message;
  region.problem = error.message;
  return news;
}

bool QueryBook::settle(const Poll& poll, const Result<double>& outcome, SteadyTime now, std::uint64_t random) {
  const auto found = regions_.find(poll.region);
  if (found == regions_.end()) return false;
  Region& region = found->second;
  --region.in_flight;
  const auto it = region.entries.find(poll.query);
  if (it == region.entries.end()) return false;
  Entry& entry = it->second;
  entry.under_way = false;

  if (poll.server != region.server) {
    schedule(region, poll.query, entry, now);
    return false;
  }
  if (!outcome && blames_server(outcome.error())) {
    schedule(region, poll.query, entry, now);
    return server_failed(region, outcome.error(), now, random);
  }
  const bool was_away = !region.problem.empty();
  region.failures = 0;
  region.problem.clear();
  schedule(region, poll.query, entry, now + jittered(options_.interval, random));
  const std::optional<double> value = outcome ? std::optional(outcome.value()) : std::nullopt;
  const std::string problem = outcome ? std::string() : outcome.error().message;
  const bool news = was_away || !entry.answered || entry.value != value || entry.problem != problem;
  entry.answered = now;
  entry.value = value;
  entry.problem = problem;
  return news;
}

void QueryBook::forget_unused(SteadyTime now) {
  for (auto region = regions_.begin(); region != regions_.end();) {
    auto& entries = region->second.entries;
    for (auto it = entries.begin(); it != entries.end();) {
      const bool unused = !it->second.under_way && now - it->second.asked_for > options_.forget_after;
      if (unused) {
        region->second.due.erase({it->second.due, it->first});
        it = entries.erase(it);
        --size_;
      } else {
        ++it;
      }
    }
    region = entries.empty() ? regions_.erase(region) : std::next(region);
  }
}

std::optional<SteadyTime> QueryBook::next_due() const {
  std::optional<SteadyTime> earliest;
  for (const auto& [name, region] : regions_) {
    const int allowed = region.failures > 0 ? 1 : options_.max_in_flight;
    if (region.due.empty() || region.in_flight >= allowed) continue;
    const SteadyTime at = std::max(region.due.begin()->first, region.not_before);
    if (!earliest || at < *earliest) earliest = at;
  }
  return earliest;
}

}  // namespace headroom::monitoring
