// A thousand limits that nobody writes under: what three webhooks ask of the API server, and of their machine.
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <thread>

#include "tests/e2e/limits_home.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr int kNamespaces = 10, kLimitsEach = 100, kObjectsEach = 5;
constexpr std::size_t kLimits = std::size_t{kNamespaces} * kLimitsEach, kReplicas = 3;
// The watched time is as long as the longest pause between the slow chores of a webhook.
constexpr std::chrono::seconds kLook{3}, kWatched{32};

/// What the API server has answered, by "VERB resource.group".
using Requests = std::map<std::string, std::int64_t>;

Requests requests() {
  Requests found;
  const auto page = limits_home().client().raw_get("/metrics", {});
  EXPECT_TRUE(page) << page.error().message;
  if (!page) return found;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(page.value().body, '\n'))) {
    if (!line.starts_with("apiserver_request_total{")) continue;
    const auto label = [&](const std::string& name) {
      const std::size_t from = line.find(absl::StrCat(name, "=\"")) + name.size() + 2;
      return line.substr(from, line.find('"', from) - from);
    };
    double count = 0;
    EXPECT_TRUE(absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &count)) << line;
    found[absl::StrCat(label("verb"), " ", label("resource"), ".", label("group"))] += static_cast<std::int64_t>(count);
  }
  return found;
}

/// What was asked within that time, watches that are opened again aside.
Requests requests_within(std::chrono::seconds time) {
  const Requests before = requests();
  std::this_thread::sleep_for(time);
  Requests more = requests();
  for (const auto& [what, count] : before) more[what] -= count;
  std::erase_if(more, [](const auto& entry) { return entry.second == 0 || entry.first.starts_with("WATCH "); });
  return more;
}

bool is_about_limits(const std::string& what) {
  return absl::StrContains(what, "headroom.dev") || absl::StrContains(what, "example.com");
}

bool is_write(const std::string& what) {
  return !what.starts_with("GET ") && !what.starts_with("LIST ") && !what.starts_with("CONNECT ");
}

/// Limits whose status says that they hold exactly.
std::size_t enforced() {
  std::size_t count = 0;
  kube::ListOptions page;
  do {
    const auto listed = limits_home().client().list(kScaleLimit, "", page, {});
    if (!listed) return 0;
    for (const json& limit : listed.value().items) {
      const json conditions = limit.value("/status/conditions"_json_pointer, json::array());
      count += std::ranges::any_of(
          conditions, [](const json& one) { return one.at("type") == "Enforced" && one.at("status") == "True"; });
    }
    page.continue_token = listed.value().continue_token;
  } while (!page.continue_token.empty());
  return count;
}

/// Seconds of CPU that the process has used, and its memory in MB.
struct Use {
  double cpu = 0, memory = 0;
};
Use use_of(const WebhookProcess& replica) {
  std::ifstream file(absl::StrCat("/proc/", replica.pid(), "/stat"));
  std::string stat;
  std::getline(file, stat);
  // proc(5): from the third field on, behind the name in parentheses: utime and stime are fields 14 and 15, rss is 24.
  const std::vector<std::string> fields = absl::StrSplit(stat.substr(stat.rfind(')') + 2), ' ');
  const auto field = [&](std::size_t number) {
    double value = 0;
    EXPECT_TRUE(absl::SimpleAtod(fields.at(number - 3), &value)) << stat;
    return value;
  };
  return {(field(14) + field(15)) / static_cast<double>(sysconf(_SC_CLK_TCK)),
          field(24) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6};
}

void make_limits_and_objects() {
  for (int i = 0; i < kNamespaces; ++i) {
    const std::string ns = absl::StrCat("idle-", i);
    std::vector<json> limits;
    for (int j = 0; j < kLimitsEach; ++j) {
      limits.push_back(
          scale_limit(ns, absl::StrCat("limit-", j), {{"count", 10 + j}, {"sums", json::array({sum(1000)})}}));
    }
    limit_namespace(ns, limits);
    for (int j = 0; j < kObjectsEach; ++j) {
      ASSERT_TRUE(limits_home().client().create(kArtifact, artifact(ns, absl::StrCat("a", j)), {}));
    }
  }
}

TEST(IdleLimits, cost_the_api_server_nothing_but_the_renewal_of_leases) {
  make_limits_and_objects();
  Webhooks webhooks(limits_home(), kReplicas, {"--request-deadline-seconds", "12"});
  ASSERT_TRUE(webhooks.wait_ready(60));
  // That of the home itself is among them.
  ASSERT_TRUE(eventually(
      300, [] { return enforced() > kLimits; }, kLook))
      << enforced();
  const auto quiet = [] {
    const Requests more = requests_within(kLook);
    return std::ranges::none_of(more, [](const auto& entry) { return is_about_limits(entry.first); });
  };
  ASSERT_TRUE(eventually(60, quiet));

  std::vector<Use> before;
  for (std::size_t i = 0; i < kReplicas; ++i) before.push_back(use_of(webhooks.replica(i)));
  const Requests more = requests_within(kWatched);
  std::int64_t renewals = 0;
  for (const auto& [what, count] : more) {
    EXPECT_FALSE(is_about_limits(what)) << count << " times " << what;
    if (!is_write(what)) continue;
    EXPECT_TRUE(absl::StrContains(what, " leases.coordination.k8s.io")) << count << " times " << what;
    renewals += count;
  }
  // Each replica renews its own every five seconds, one of them that of the elected one, and the API server its own.
  EXPECT_GE(renewals, static_cast<std::int64_t>(kReplicas) * kWatched.count() / 10);
  for (std::size_t i = 0; i < kReplicas; ++i) {
    const Use now = use_of(webhooks.replica(i));
    const double share = 100 * (now.cpu - before[i].cpu) / static_cast<double>(kWatched.count());
    std::printf("replica %zu: %.1f %% of a core, %.0f MB\n", i, share, now.memory);
    EXPECT_LT(share, 50) << "replica " << i << " is busy";
  }

  // Nobody holds on to anything that others might need.
  kube::ListOptions whole;
  whole.limit = 0;
  const auto ledgers = limits_home().client().list(kLimitLedger, "headroom-system", whole, {});
  ASSERT_TRUE(ledgers);
  EXPECT_GT(ledgers.value().items.size(), kLimits);
  for (const json& ledger : ledgers.value().items) {
    EXPECT_TRUE(ledger.at("record").value("grants", json::array()).empty()) << ledger.at("metadata").at("name");
  }
}

}  // namespace
}  // namespace headroom::e2e
