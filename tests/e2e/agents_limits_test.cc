// The limits of agents-6-month on a real API server: no payload above a million bytes, and one quota for three regions,
// with three webhooks between them.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "tests/e2e/limit_samples.h"
#include "tests/e2e/limits_home.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

const kube::ResourceType kAgent{"agents.example.com", "v1", "agents", "Agent", true};
const kube::ResourceType kAction{"agents.example.com", "v1", "agentactions", "AgentAction", true};
constexpr std::array kRegions = {"agents-us-east-1", "agents-eu-west-1", "agents-ap-south-1"};
constexpr std::size_t kReplicas = 3, kMostBytes = 1'000'000;
constexpr std::int64_t kGigabyte = 1'000'000'000;

/// The whole folder, as its README has it applied. Nothing acts on Regions and ScaleTargets here.
Cluster& home() {
  static bool furnished = false;
  Cluster& cluster = Cluster::named("agents", prompt_cluster({"--without-controllers"}));
  if (furnished) return cluster;
  furnished = true;
  cluster.rights().let_limit(kAction.group, {kAction.plural, kAgent.plural});
  apply_sample(cluster, {"agents-6-month/"});
  cluster.kubectl("create namespace elsewhere");
  return cluster;
}

class AgentsLimits : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    webhooks_ = std::make_unique<Webhooks>(home(), static_cast<int>(kReplicas), prompt_webhooks());
    ASSERT_TRUE(webhooks_->wait_ready(30));
    for (const char* limit : {"agent-actions", "agents"}) {
      ASSERT_TRUE(enforced(home(), kClusterScaleLimit, "", limit));
    }
  }
  static void TearDownTestSuite() { webhooks_.reset(); }

  json action(const std::string& ns, const std::string& name, std::int64_t stored, const std::string& payload = "") {
    return object_of(kAction, ns, name, {{"agent", "a"}, {"storedBytes", stored}, {"payload", payload}});
  }
  Result<json> create(const json& action) { return client_->create(kAction, action, {}); }
  std::size_t stored(const kube::ResourceType& type, const std::string& ns) {
    kube::ListOptions all;
    all.limit = 0;
    all.metadata_only = true;
    const auto page = client_->list(type, ns, all, {});
    EXPECT_TRUE(page);
    return page ? page.value().items.size() : 0;
  }

  static std::unique_ptr<Webhooks> webhooks_;
  Cluster& home_ = home();
  std::unique_ptr<kube::Client> client_ = impatient_client(home_);
};
std::unique_ptr<Webhooks> AgentsLimits::webhooks_;

TEST_F(AgentsLimits, an_action_of_a_million_bytes_passes_and_one_byte_more_does_not) {
  // What the API server adds to each object has the same length for names of one length.
  kube::WriteOptions dry;
  dry.dry_run = true;
  const auto tried = client_->create(kAction, action(kRegions[0], "action-0", 0), {}, dry);
  ASSERT_TRUE(lands(tried));
  json empty = tried.value();
  empty.at("metadata").erase("managedFields");
  empty.at("metadata").erase("resourceVersion");
  const std::size_t room = kMostBytes - empty.dump().size();

  EXPECT_TRUE(lands(create(action(kRegions[0], "action-1", 0, std::string(room, 'x')))));
  for (std::size_t i = 0; i < kReplicas; ++i) {
    EXPECT_TRUE(refused(create(action(kRegions[0], "action-2", 0, std::string(room + 1, 'x'))), 413,
                        "ClusterScaleLimit agent-actions: the object has 1000001 bytes as compact JSON without "
                        "managedFields, at most 1000000 are allowed"));
  }
  EXPECT_TRUE(refused(client_->patch(kAction, {kRegions[0], "action-1"}, kube::PatchType::Merge,
                                     {{"spec", {{"payload", std::string(room + 100, 'x')}}}}, {}),
                      413, "at most 1000000 are allowed"))
      << "it may not grow beyond it either";
  EXPECT_TRUE(lands(
      client_->patch(kAction, {kRegions[0], "action-1"}, kube::PatchType::Merge, {{"spec", {{"payload", ""}}}}, {})));
  EXPECT_TRUE(lands(create(action("elsewhere", "action-1", 0, std::string(room + 100, 'x')))))
      << "namespaces outside the quota are not its business";
}

TEST_F(AgentsLimits, three_regions_that_register_at_once_get_1050_agents_between_them_and_not_one_more) {
  constexpr int kEach = 400, kAll = 1050;  // 1,200 asked for
  const auto patient = patient_client(home_);
  std::atomic<int> landed{0}, full{0};
  {
    std::vector<std::jthread> writers;
    for (const char* region : kRegions) {
      for (int half = 0; half < 2; ++half) {
        writers.emplace_back([&, region, half] {
          for (int i = half; i < kEach; i += 2) {
            const auto created =
                patient->create(kAgent, object_of(kAgent, region, absl::StrCat("agent-", i), {{"model", "m"}}), {});
            if (created) {
              ++landed;
            } else {
              ++full;
              EXPECT_TRUE(refused(created, 403, "ClusterScaleLimit agents: over count: used 1050, asked 1, hard 1050"));
            }
          }
        });
      }
    }
  }
  EXPECT_EQ(landed, kAll);
  EXPECT_EQ(full, kEach * 3 - kAll);
  std::size_t found = 0;
  for (const char* region : kRegions) {
    const std::size_t here = stored(kAgent, region);
    EXPECT_GT(here, 0U) << region;
    found += here;
  }
  EXPECT_EQ(found, kAll);
  EXPECT_TRUE(lands(client_->create(kAgent, object_of(kAgent, "elsewhere", "agent", {{"model", "m"}}), {})));

  // An agent that ends in one region makes room for one in another.
  kube::ListOptions one;
  one.limit = 1;
  const auto page = client_->list(kAgent, kRegions[0], one, {});
  ASSERT_TRUE(page && !page.value().items.empty());
  ASSERT_TRUE(client_->remove(kAgent, {kRegions[0], page.value().items[0].at("metadata").at("name")}, {}, {}));
  EXPECT_TRUE(lands(patient->create(kAgent, object_of(kAgent, kRegions[2], "successor", {{"model", "m"}}), {})));
  EXPECT_TRUE(refused(patient->create(kAgent, object_of(kAgent, kRegions[1], "too-many", {{"model", "m"}}), {}), 403,
                      "over count: used 1050, asked 1, hard 1050"));
}

TEST_F(AgentsLimits, what_the_regions_store_adds_up_to_21_gigabytes_exactly) {
  const auto patient = patient_client(home_);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(lands(patient->create(kAction, action(kRegions[i % 3], absl::StrCat("stored-", i), kGigabyte), {})));
  }
  EXPECT_TRUE(refused(patient->create(kAction, action(kRegions[2], "too-large", kGigabyte + 1), {}), 403,
                      "ClusterScaleLimit agent-actions: over stored: used 20G, asked 1000000001, hard 21G"));
  EXPECT_TRUE(lands(patient->create(kAction, action(kRegions[2], "stored-20", kGigabyte), {})));
  for (const char* region : kRegions) {
    EXPECT_TRUE(refused(patient->create(kAction, action(region, "too-many", 1), {}), 403,
                        "over stored: used 21G, asked 1, hard 21G"));
  }
  EXPECT_TRUE(status_reaches(home_, kClusterScaleLimit, "", "agent-actions", [](const json& status) {
    const json rows = status.value("dimensions", json::array());
    return std::ranges::any_of(rows, [](const json& row) {
      return row.at("name") == "stored" && row.value("used", "") == "21G" && row.value("percent", 0) == 100 &&
             row.value("level", "") == "Orange";
    });
  }));
  EXPECT_TRUE(eventually(20, [&] {
    return absl::StrContains(home_.kubectl("get events.events.k8s.io -A -o json"), "LimitThresholdCrossed");
  })) << "events give way to writes for a moment";
}

}  // namespace
}  // namespace headroom::e2e
