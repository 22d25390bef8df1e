#include "webhook/app/denials.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <utility>

#include "operator/runtime/event_object.h"
#include "webhook/app/limit_status.h"

namespace headroom::webhook {
namespace {

// Causes of one limit between two statuses: more than a status shows, so that the largest are found.
constexpr std::size_t kMostRows = 4 * api::kMostDenials;
constexpr std::size_t kLongestMessage = 1024;
constexpr char kCounter[] = "headroom_limit_denials_total";
// Of one limit. Its rules may get other names day by day; what comes later is counted without a dimension.
constexpr std::size_t kMostCounters = 128;

}  // namespace

void Denials::count(const api::ScaleLimit* limit, Denial denial, absl::Time now) {
  const api::ObjectKey key = limit == nullptr ? api::ObjectKey{} : limit->meta.key();
  runtime::Labels labels = {{"kind", limit == nullptr ? "" : api::to_string(limit->kind)},
                            {"namespace", key.ns},
                            {"limit", key.name},
                            {"reason", denial.reason},
                            {"dimension", denial.dimension}};
  std::lock_guard lock(mutex_);
  if (limit != nullptr) {
    std::set<runtime::Labels>& counters = counters_[limit->meta.uid];
    if (counters.size() >= kMostCounters && !counters.contains(labels)) labels["dimension"].clear();
    counters.insert(labels);
  }
  metrics_.add(kCounter, "Writes that were over a limit, by what became of them", labels);
  if (limit == nullptr) return;
  std::vector<api::DenialStatus>& rows = rows_[limit->meta.uid];
  const auto known = std::ranges::find_if(rows, [&](const api::DenialStatus& row) {
    return row.reason == denial.reason && row.dimension == denial.dimension;
  });
  if (known == rows.end() && rows.size() >= kMostRows) return;
  api::DenialStatus& row = known != rows.end() ? *known : rows.emplace_back();
  row.reason = std::move(denial.reason);
  row.dimension = std::move(denial.dimension);
  ++row.count;
  row.last_message = std::move(denial.message);
  if (row.last_message.size() > kLongestMessage)
    row.last_message = runtime::bounded_text(row.last_message, kLongestMessage);
  row.last_time = now;
}

std::vector<api::DenialStatus> Denials::take(const api::ScaleLimit& limit) {
  std::lock_guard lock(mutex_);
  auto node = rows_.extract(limit.meta.uid);
  return node.empty() ? std::vector<api::DenialStatus>() : std::move(node.mapped());
}

void Denials::put_back(const api::ScaleLimit& limit, const std::vector<api::DenialStatus>& rows) {
  std::lock_guard lock(mutex_);
  std::vector<api::DenialStatus>& known = rows_[limit.meta.uid];
  known = added_denials(std::move(known), rows);
}

void Denials::retain(const limits::LimitSet& limits) {
  absl::flat_hash_set<std::string> uids;
  for (const auto& limit : limits.limits()) uids.insert(limit->limit().meta.uid);
  std::lock_guard lock(mutex_);
  absl::erase_if(rows_, [&](const auto& entry) { return !uids.contains(entry.first); });
  absl::erase_if(counters_, [&](const auto& entry) {
    if (uids.contains(entry.first)) return false;
    for (const runtime::Labels& labels : entry.second) metrics_.remove(kCounter, labels);
    return true;
  });
}

}  // namespace headroom::webhook
