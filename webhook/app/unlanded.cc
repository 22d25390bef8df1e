#include "webhook/app/unlanded.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace headroom::webhook {
namespace {

using nlohmann::json;

// Writes that land do so within milliseconds; one that waits for a slow webhook has its 30 s at most.
constexpr absl::Duration kLandsWithin = absl::Seconds(10);
// Each some hundred bytes; an object's annotations end at 256 KiB.
constexpr std::size_t kMostUsers = 3, kMostLimits = 100;

std::int64_t writes_of(const std::vector<UnlandedWrites>& rows) {
  std::int64_t writes = 0;
  for (const UnlandedWrites& row : rows) writes += row.writes;
  return writes;
}

void add(UnlandedWrites& to, const UnlandedWrites& more) {
  to.writes += more.writes;
  to.held += more.held;
}

json row_to_json(const UnlandedWrites& row) {
  json held = json::array();
  for (std::size_t i = 0; i < row.held.size(); ++i) held.push_back(Quantity::from_nano(row.held[i]).to_string());
  return json::array({row.user, row.writes, std::move(held)});
}

std::optional<UnlandedWrites> row_from_json(const json& row) {
  if (!row.is_array() || row.size() != 3 || !row[0].is_string() || !row[1].is_number_integer() || !row[2].is_array()) {
    return std::nullopt;
  }
  UnlandedWrites read{row[0].get<std::string>(), row[1].get<std::int64_t>(), {}};
  for (const json& amount : row[2]) {
    if (!amount.is_string()) return std::nullopt;
    const auto held = Quantity::parse(amount.get_ref<const std::string&>());
    if (!held) return std::nullopt;
    read.held.at(read.held.size()) = held.value().nano();
  }
  const bool plausible = read.writes > 0 && read.held.covers({});
  return plausible ? std::optional(std::move(read)) : std::nullopt;
}

}  // namespace

absl::Duration unlanded_after(absl::Duration request_deadline) { return std::min(kLandsWithin, request_deadline / 2); }

std::vector<UnlandedWrites> by_user(const std::vector<UnlandedWrites>& rows) {
  std::map<std::string, UnlandedWrites> users;
  for (const UnlandedWrites& row : rows) {
    UnlandedWrites& user = users[row.user];
    user.user = row.user;
    add(user, row);
  }
  UnlandedWrites others;
  if (auto nameless = users.extract(""); !nameless.empty()) others = std::move(nameless.mapped());
  std::vector<UnlandedWrites> most;
  for (auto& [name, user] : users) most.push_back(std::move(user));
  std::ranges::stable_sort(most, std::ranges::greater(), &UnlandedWrites::writes);
  for (; most.size() > kMostUsers; most.pop_back()) add(others, most.back());
  if (others.writes > 0) most.push_back(std::move(others));
  return most;
}

UnlandedReport UnlandedReport::of(const std::vector<UnlandedUnderLimit>& limits) {
  std::vector<std::pair<std::int64_t, const UnlandedUnderLimit*>> most;
  most.reserve(limits.size());
  for (const UnlandedUnderLimit& limit : limits) most.emplace_back(writes_of(limit.by_user), &limit);
  std::ranges::stable_sort(most, std::ranges::greater(), &std::pair<std::int64_t, const UnlandedUnderLimit*>::first);
  if (most.size() > kMostLimits) most.resize(kMostLimits);
  UnlandedReport report;
  for (const auto& [writes, limit] : most) report.limits[limit->limit->limit().meta.uid] = limit->by_user;
  return report;
}

std::string UnlandedReport::text() const {
  if (limits.empty()) return "";
  json all = json::object();
  for (const auto& [uid, rows] : limits) {
    json& list = all[uid] = json::array();
    for (const UnlandedWrites& row : rows) list.push_back(row_to_json(row));
  }
  return all.dump(-1, ' ', false, json::error_handler_t::replace);
}

UnlandedReport UnlandedReport::parse(std::string_view text) {
  UnlandedReport report;
  const json all = json::parse(text, nullptr, false);
  if (!all.is_object()) return report;
  for (const auto& [uid, list] : all.items()) {
    if (!list.is_array()) continue;
    std::vector<UnlandedWrites> rows;
    for (const json& one : list) {
      if (auto row = row_from_json(one)) rows.push_back(*std::move(row));
    }
    if (!rows.empty()) report.limits[uid] = std::move(rows);
  }
  return report;
}

std::vector<UnlandedWrites> unlanded_under(const api::ScaleLimit& limit, const std::vector<UnlandedReport>& replicas) {
  std::vector<UnlandedWrites> rows;
  for (const UnlandedReport& report : replicas) {
    const auto known = report.limits.find(limit.meta.uid);
    if (known != report.limits.end()) rows.insert(rows.end(), known->second.begin(), known->second.end());
  }
  return by_user(rows);
}

std::string who(const std::vector<UnlandedWrites>& rows) {
  return absl::StrJoin(rows, ", ", [](std::string* out, const UnlandedWrites& row) {
    absl::StrAppend(out, row.writes, " of ", row.user.empty() ? "others" : row.user);
  });
}

}  // namespace headroom::webhook
