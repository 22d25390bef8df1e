// Many writers at once against limits that match together, through three webhooks that die, stand still and are cut off
// meanwhile, and an API server that restarts; watches add up what is stored at every revision.
//
// HEADROOM_STORM_OPERATIONS sets the size (hack/test storm), HEADROOM_STORM_SEED repeats what each writer wants and
// when what happens; how the writers meet is the machine's affair.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <latch>
#include <optional>
#include <random>
#include <thread>

#include "tests/e2e/limit_samples.h"
#include "tests/e2e/limits_home.h"
#include "tests/e2e/storm_client.h"
#include "tests/e2e/storm_weather.h"
#include "tests/e2e/storm_writer.h"
#include "tests/e2e/tcp_proxy.h"
#include "tests/e2e/use_history.h"
#include "tests/kube/temporary_folder.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr char kStorm[] = "storm", kNextDoor[] = "storm-next-door";
constexpr char kReplaced[] = "replaced";
constexpr int kWriters = 64, kReplicas = 3;
constexpr std::int64_t kOperations = 4000, kFullSize = 200'000;
// Where nobody answers, writers that go on at once would only take the machine from those who are to answer again.
constexpr std::chrono::milliseconds kBreath{200};
constexpr int kRushes = 20, kPlaces = 5;

enum StormBound : std::size_t { kArtifacts, kSize, kReplicaSum, kAllObjects, kAllReplicas };

std::int64_t from_environment(const char* name, std::int64_t otherwise) {
  std::int64_t value = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here sets the environment
  const char* const text = std::getenv(name);
  return text != nullptr && absl::SimpleAtoi(text, &value) && value > 0 ? value : otherwise;
}

std::int64_t operations() { return from_environment("HEADROOM_STORM_OPERATIONS", kOperations); }

std::uint64_t seed() {
  static const std::uint64_t seed = [] {
    const std::int64_t chosen = from_environment("HEADROOM_STORM_SEED", std::random_device()());
    std::fprintf(stderr, "HEADROOM_STORM_SEED=%lld\n", static_cast<long long>(chosen));
    return static_cast<std::uint64_t>(chosen);
  }();
  return seed;
}

bool is_in(const json& object, std::initializer_list<const char*> namespaces) {
  const std::string ns = object.at("metadata").value("namespace", "");
  return std::ranges::any_of(namespaces, [&](const char* one) { return ns == one; });
}

bool is_artifact(const json& object) { return object.at("kind") == kArtifact.kind; }

std::int64_t size_of(const json& object) { return is_artifact(object) ? object.at("spec").value("size", 0) : 0; }

std::int64_t replicas_of(const json& object) {
  return is_artifact(object) ? 0 : object.at("spec").value("replicas", std::int64_t{1});
}

std::vector<Bound> storm_bounds() {
  std::vector<Bound> bounds(5);
  bounds[kArtifacts] = {"ScaleLimit storm/artifacts", "count", 150,
                        [](const json& one) { return is_artifact(one) && is_in(one, {kStorm}) ? 1 : 0; }};
  bounds[kSize] = {"ScaleLimit storm/size", "size", 6000,
                   [](const json& one) { return is_in(one, {kStorm}) ? size_of(one) : 0; }};
  bounds[kReplicaSum] = {"ScaleLimit storm/replicas", "replicas", 250,
                         [](const json& one) { return is_in(one, {kStorm}) ? replicas_of(one) : 0; }};
  bounds[kAllObjects] = {"ClusterScaleLimit storms", "count", 220, [](const json& one) {
                           return is_in(one, {kStorm, kNextDoor}) ? 1 : 0;
                         }};
  bounds[kAllReplicas] = {"ClusterScaleLimit storms", "replicas", 240, [](const json& one) {
                            return is_in(one, {kStorm, kNextDoor}) ? replicas_of(one) : 0;
                          }};
  return bounds;
}

const json kDeployments = {
    {"group", "apps"}, {"version", "v1"}, {"resource", "deployments"}, {"subresources", json::array({"scale"})}};

json replicas_sum(std::int64_t hard) { return {{"name", "replicas"}, {"path", ".spec.replicas"}, {"hard", hard}}; }

void make_limits(const std::vector<Bound>& bounds) {
  json replicas = scale_limit(kStorm, "replicas", {{"sums", json::array({replicas_sum(bounds[kReplicaSum].hard)})}});
  replicas["spec"]["match"]["resources"] = json::array({kDeployments});
  limit_namespace(kStorm, {scale_limit(kStorm, "artifacts", {{"count", bounds[kArtifacts].hard}}),
                           scale_limit(kStorm, "size", {{"sums", json::array({sum(bounds[kSize].hard)})}}), replicas});
  limit_namespace(kNextDoor, {});
  json both = scale_limit(
      "", "storms",
      {{"count", bounds[kAllObjects].hard}, {"sums", json::array({replicas_sum(bounds[kAllReplicas].hard)})}});
  both["kind"] = kClusterScaleLimit.kind;
  both["metadata"].erase("namespace");
  both["spec"]["match"]["resources"].push_back(kDeployments);
  both["spec"]["match"]["namespaceSelector"] = {{"matchLabels", {{"weather", "storm"}}}};
  for (const char* const ns : {kStorm, kNextDoor}) {
    limits_home().kubectl(absl::StrCat("label namespace ", ns, " weather=storm"));
  }
  const auto made = limits_home().client().create(kClusterScaleLimit, both, {});
  EXPECT_TRUE(made) << made.error().message;
}

const std::vector<StoredType> kStored{{kArtifact, "/registry/example.com/artifacts/"},
                                      {kube::types::kDeployment, "/registry/deployments/"}};

/// A copy of the webhook's kubeconfig that goes through a proxy.
std::string kubeconfig_through(const TcpProxy& proxy, const testing::TemporaryFolder& folder) {
  std::ifstream file(limits_home().rights().webhook_kubeconfig());
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return folder.write(
      "kubeconfig",
      absl::StrReplaceAll(text, {{limits_home().config().server, absl::StrCat("https://127.0.0.1:", proxy.port())}}));
}

std::uint16_t server_port() {
  const std::string& server = limits_home().config().server;
  return static_cast<std::uint16_t>(std::stoi(server.substr(server.rfind(':') + 1)));
}

void run_all(int writers, const std::function<void(int)>& writer) {
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(writers));
  for (int i = 0; i < writers; ++i) threads.emplace_back([&writer, i] { writer(i); });
}

/// Its keys, by a consistent list.
std::vector<api::ObjectKey> stored(const kube::ResourceType& type, const std::string& ns) {
  kube::ListOptions whole;
  whole.limit = 0;
  whole.metadata_only = true;
  const auto page = limits_home().client().list(type, ns, whole, {});
  EXPECT_TRUE(page) << page.error().message;
  std::vector<api::ObjectKey> keys;
  if (!page) return keys;
  for (const json& one : page.value().items) keys.push_back({ns, one.at("metadata").at("name")});
  return keys;
}

class LimitsInAStorm : public ::testing::Test {
 protected:
  LimitsInAStorm() {
    std::fprintf(stderr, "%lld operations, ", static_cast<long long>(operations()));
    seed();
    make_limits(bounds_);
    history_.emplace(etcd_port(limits_home()), kStored, bounds_);
    client_.emplace(limits_home().config(), bounds_);
  }

  void begin() {
    ASSERT_TRUE(in_force(webhooks_, kReplicas, kStorm, {"artifacts", "size", "replicas"}));
    ASSERT_TRUE(eventually(60, [&] {
      return limits_home().condition(kClusterScaleLimit, "", "storms", "Enforced").value("status", "") == "True";
    })) << limits_home().condition(kClusterScaleLimit, "", "storms", "Enforced");
    for (int i = 0; i < 4; ++i) {
      ground_.shared.push_back(artifact(kStorm, absl::StrCat("shared-", i), 1));
      ASSERT_EQ(StormClient::persist(20, [&] { return client_->create(kArtifact, ground_.shared.back()); }),
                Outcome::Landed);
    }
  }

  void rage() {
    StormWeather weather(limits_home(), webhooks_, proxy_, seed(), operations() >= kFullSize / 10);
    std::atomic<std::int64_t> left{operations()};
    std::atomic<bool> calm{false};
    std::jthread disturber([&] {
      weather.rage([&] { return left <= 0; });
      calm = true;
    });
    const auto begun = std::chrono::steady_clock::now();
    // Writers do not rest before the weather has had its round.
    run_all(kWriters, [&](int number) {
      StormWriter writer(*client_, ground_, number, seed());
      while (left.fetch_sub(1) > 0 || !calm) {
        const Outcome outcome = writer.step();
        if (outcome == Outcome::Unknown || outcome == Outcome::NotNow) std::this_thread::sleep_for(kBreath);
        if (outcome == Outcome::InFlight) std::this_thread::sleep_for(kBreath / 10);
      }
    });
    disturber.join();
    std::fprintf(stderr, "%s in %.1f s, %d gusts\n", client_->tally().c_str(),
                 std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count(), weather.gusts());
  }

  /// Few places, and all writers at once: whoever admits by what is stored alone lets too many through.
  void rush() {
    std::vector<api::ObjectKey> standing;
    for (int round = 0; round < kRushes; ++round) {
      for (int place = 0; place < kPlaces && !standing.empty(); ++place, standing.pop_back()) {
        client_->remove(kArtifact, standing.back());
      }
      std::latch together(kWriters);
      run_all(kWriters, [&](int writer) {
        together.arrive_and_wait();
        client_->create(kArtifact, artifact(kStorm, absl::StrCat("r-", round, "-", writer), 0));
      });
      standing = stored(kArtifact, kStorm);
    }
  }

  void make_room() {
    for (const api::ObjectKey& key : stored(kArtifact, kNextDoor)) client_->remove(kArtifact, key);
    std::vector<api::ObjectKey> workloads = stored(kube::types::kDeployment, kStorm);
    for (; workloads.size() > 3; workloads.pop_back()) client_->remove(kube::types::kDeployment, workloads.back());
  }

  /// Artifacts of no size, from all writers, until all were told that there is no room.
  void fill(const char* ns, const char* prefix) {
    run_all(kWriters, [&](int writer) {
      Outcome outcome = Outcome::Landed;
      for (int i = 0; outcome == Outcome::Landed; ++i) {
        const json one = artifact(ns, absl::StrCat(prefix, "-", writer, "-", i), 0);
        outcome = StormClient::persist(60, [&] { return client_->create(kArtifact, one); });
      }
      EXPECT_EQ(outcome, Outcome::OverLimit);
    });
  }

  /// What is left of a sum goes to one object, and then not one more.
  void use_up(std::size_t bound, const kube::ResourceType& type, const api::ObjectKey& key, const char* field,
              const char* subresource) {
    json object = limits_home().get(type, key.ns, key.name);
    const auto asks_for = [&](std::int64_t value) {
      json after = object;
      after["spec"] = {{field, value}};
      return StormClient::persist(30, [&] { return client_->change(type, std::nullopt, after, subresource); });
    };
    const std::int64_t now = object.at("spec").value(field, std::int64_t{0});
    const std::int64_t all = now + bounds_[bound].hard - history_->now(bound);
    EXPECT_EQ(asks_for(all), Outcome::Landed) << bounds_[bound].limit;
    EXPECT_EQ(asks_for(all + 1), Outcome::OverLimit) << bounds_[bound].limit;
  }

  void expect_full(std::initializer_list<StormBound> full) {
    ASSERT_TRUE(history_->settle(60));
    for (std::size_t i = 0; i < bounds_.size(); ++i) {
      EXPECT_LE(history_->most(i), bounds_[i].hard) << bounds_[i].limit << " " << bounds_[i].dimension;
    }
    for (const StormBound bound : full) {
      EXPECT_EQ(history_->now(bound), bounds_[bound].hard) << bounds_[bound].limit << " " << bounds_[bound].dimension;
    }
  }

  const std::vector<Bound> bounds_ = storm_bounds();
  const testing::TemporaryFolder folder_;
  TcpProxy proxy_{server_port()};
  Webhooks webhooks_{limits_home(), kReplicas, limits_arguments(), {{0, kubeconfig_through(proxy_, folder_)}}};
  std::optional<UseHistory> history_;
  std::optional<StormClient> client_;
  StormGround ground_{{kStorm, kNextDoor}, kStorm, {}};
};

TEST_F(LimitsInAStorm, are_never_exceeded_never_refuse_what_fits_and_are_full_at_its_end) {
  ASSERT_NO_FATAL_FAILURE(begin());
  rage();
  rush();
  make_room();

  const std::size_t dead = seed() % kReplicas;
  webhooks_.replica(dead).kill_now();
  const auto died = std::chrono::steady_clock::now();
  fill(kStorm, "f");
  // Its Lease, the API server's request deadline, and time to notice and to swap.
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - died).count(), 3 + 12 + 8);
  fill(kNextDoor, "n");
  ASSERT_TRUE(history_->settle(60));
  use_up(kSize, kArtifact, ground_.shared.empty() ? api::ObjectKey{} : stored(kArtifact, kStorm).front(), "size", "");
  use_up(kAllReplicas, kube::types::kDeployment, stored(kube::types::kDeployment, kStorm).front(), "replicas", "scale");
  ASSERT_NO_FATAL_FAILURE(expect_full({kArtifacts, kSize, kAllObjects, kAllReplicas}));

  const std::vector<std::string> wrong = client_->wrong_refusals(*history_);
  EXPECT_TRUE(wrong.empty()) << wrong.size() << " of " << client_->count(Outcome::OverLimit)
                             << " refusals were wrong, the first: " << wrong.front();
  std::fprintf(stderr, "%s; %zu revisions\n", client_->tally().c_str(), history_->revisions());
  EXPECT_GT(client_->count(Outcome::Landed), operations() / 5);
  EXPECT_GT(client_->count(Outcome::OverLimit), operations() / 50);
}

TEST(FullLimits, never_refuse_a_create_after_a_delete_that_is_over) {
  constexpr int kOwners = 16, kOwned = 2;
  const auto is_ours = [](const json& one) { return is_in(one, {kReplaced}); };
  const std::vector<Bound> bounds{{"ScaleLimit replaced/artifacts", "count", kOwners * kOwned,
                                   [&](const json& one) { return is_ours(one) ? 1 : 0; }},
                                  {"ScaleLimit replaced/size", "size", 10 * kOwners * kOwned,
                                   [&](const json& one) { return is_ours(one) ? size_of(one) : 0; }}};
  limit_namespace(kReplaced, {scale_limit(kReplaced, "artifacts", {{"count", bounds[0].hard}}),
                              scale_limit(kReplaced, "size", {{"sums", json::array({sum(bounds[1].hard)})}})});
  Webhooks webhooks(limits_home(), kReplicas, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, kReplicas, kReplaced, {"artifacts", "size"}));
  UseHistory history(etcd_port(limits_home()), kStored, bounds);
  StormClient client(limits_home().config(), bounds);
  const std::int64_t rounds = std::max<std::int64_t>(operations() / 20, 1000) / kOwners;
  std::atomic<int> refused{0}, waited{0};
  run_all(kOwners, [&](int owner) {
    const auto make = [&](std::int64_t number) {
      const json object = artifact(kReplaced, absl::StrCat("o-", owner, "-", number), 10);
      Outcome outcome = client.create(kArtifact, object);
      if (outcome == Outcome::InFlight) ++waited;
      if (outcome != Outcome::Landed && outcome != Outcome::OverLimit) {
        outcome = StormClient::persist(30, [&] { return client.create(kArtifact, object); });
      }
      if (outcome != Outcome::Landed) ++refused;
    };
    for (int i = 0; i < kOwned; ++i) make(i);
    for (std::int64_t i = 0; i < rounds && refused == 0; ++i) {
      EXPECT_EQ(client.remove(kArtifact, {kReplaced, absl::StrCat("o-", owner, "-", i)}), Outcome::Landed);
      make(i + kOwned);
    }
  });
  EXPECT_EQ(refused, 0) << client.tally();
  ASSERT_TRUE(history.settle(30));
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    EXPECT_EQ(history.most(i), bounds[i].hard);
    EXPECT_EQ(history.now(i), bounds[i].hard);
  }
  std::fprintf(stderr, "%lld replaced, %d of them waited: %s\n", static_cast<long long>(rounds * kOwners),
               waited.load(), client.tally().c_str());
}

}  // namespace
}  // namespace headroom::e2e
