// The limits of depository on a real API server: size, count and sum of artifacts, and what follows from how full the
// store is. How fast and how many at once is another test's.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "operator/base/duration.h"
#include "tests/e2e/limit_samples.h"
#include "tests/e2e/limits_home.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr char kNamespace[] = "depository";
const kube::ResourceType kStored{"depository.example.com", "v1", "artifacts", "Artifact", true};
const kube::ResourceType kRecord{"depository.example.com", "v1", "auditrecords", "AuditRecord", true};
constexpr std::size_t kReplicas = 2;
constexpr std::int64_t kMegabyte = 1'000'000;
/// The largest artifacts: 2,000 of them are 1000 GB.
constexpr std::int64_t kLargest = 500 * kMegabyte;
constexpr int kFull = 2000, kWriters = 6;

Cluster& home() {
  static bool furnished = false;
  Cluster& cluster = Cluster::named("depository", prompt_cluster({"--without-controllers"}));
  if (furnished) return cluster;
  furnished = true;
  cluster.rights().let_limit(kStored.group, {kStored.plural, kRecord.plural});
  apply_sample(cluster, {"depository/"});
  return cluster;
}

json artifact_of(const std::string& name, std::int64_t bytes) {
  return object_of(kStored, kNamespace, name, {{"sizeBytes", bytes}, {"digest", "sha256:0"}});
}

class DepositoryLimits : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    webhooks_ = std::make_unique<Webhooks>(home(), static_cast<int>(kReplicas), prompt_webhooks());
    ASSERT_TRUE(webhooks_->wait_ready(30));
    for (const char* limit : {"artifact-size", "artifact-count", "total-storage", "audit-trail"}) {
      ASSERT_TRUE(enforced(home(), kScaleLimit, kNamespace, limit));
    }
  }
  static void TearDownTestSuite() { webhooks_.reset(); }

  Result<json> create(const std::string& name, std::int64_t bytes) {
    return client_->create(kStored, artifact_of(name, bytes), {});
  }
  Status remove(const std::string& name) { return client_->remove(kStored, {kNamespace, name}, {}, {}); }
  ::testing::AssertionResult change(const std::string& limit, const json& spec) {
    return change_limit(home_, *webhooks_, kReplicas, kScaleLimit, kNamespace, limit, {{"spec", spec}});
  }

  /// Creates the largest artifacts large-<from> to large-<to - 1>, as several clients at once that repeat what they are
  /// asked to repeat.
  void fill(int from, int to) {
    std::atomic<int> next{from};
    std::vector<std::jthread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&] {
        for (int number = next++; number < to; number = next++) {
          const auto created = patient_->create(kStored, artifact_of(absl::StrCat("large-", number), kLargest), {});
          EXPECT_TRUE(lands(created)) << number;
          if (!created) return;
        }
      });
    }
  }

  /// Of total-storage: its level, how full it is, and which thresholds it has crossed, as "expand critical".
  ::testing::AssertionResult storage_is(const std::string& level, const std::string& used, const std::string& crossed,
                                        int seconds = 20) {
    return status_reaches(
        home_, kScaleLimit, kNamespace, "total-storage",
        [&](const json& status) {
          std::string names;
          for (const json& one : status.value("thresholds", json::array())) {
            absl::StrAppend(&names, names.empty() ? "" : " ", one.at("threshold").get<std::string>());
          }
          return status.value("level", "Green") == level && names == crossed &&
                 status.value("/dimensions/0/used"_json_pointer, "") == used;
        },
        seconds);
  }
  json storage_threshold(const std::string& name) {
    const json status = home_.status_of(kScaleLimit, kNamespace, "total-storage");
    for (const json& one : status.at("thresholds")) {
      if (one.at("threshold") == name) return one;
    }
    return json::object();
  }
  /// Soon, and then by every replica: all of them read the status that one writes.
  ::testing::AssertionResult soon_refused(const std::string& name, std::int64_t bytes, int status,
                                          const std::string& message) {
    Result<json> last = json();
    const auto is_refused = [&] {
      last = create(name, bytes);
      if (last) {
        EXPECT_TRUE(remove(name));
      }
      return bool(refused(last, status, message));
    };
    for (std::size_t i = 0; i < 3 * kReplicas; ++i) {
      if (!eventually(10, is_refused)) return refused(last, status, message);
    }
    return ::testing::AssertionSuccess();
  }
  bool has_event(const std::string& reason, const std::string& note) {
    const json list = json::parse(home_.kubectl(absl::StrCat("get events.events.k8s.io -n ", kNamespace, " -o json")));
    return std::ranges::any_of(list.at("items"), [&](const json& event) {
      return event.value("reason", "") == reason && absl::StrContains(event.value("note", ""), note);
    });
  }

  static std::unique_ptr<Webhooks> webhooks_;
  Cluster& home_ = home();
  std::unique_ptr<kube::Client> client_ = impatient_client(home_), patient_ = patient_client(home_);
};
std::unique_ptr<Webhooks> DepositoryLimits::webhooks_;

TEST_F(DepositoryLimits, an_artifact_of_500_megabytes_is_taken_and_one_byte_more_is_too_large) {
  EXPECT_TRUE(lands(create("just-fits", kLargest)));
  EXPECT_TRUE(refused(create("too-large", kLargest + 1), 413,
                      "ScaleLimit depository/artifact-size: .spec.sizeBytes is 500000001, at most 500M is allowed: "
                      "split it into smaller artifacts"));
  EXPECT_TRUE(remove("just-fits"));
}

TEST_F(DepositoryLimits, the_count_of_artifacts_is_exact) {
  constexpr int kMost = 120;  // in place of 100,000
  ASSERT_TRUE(change("artifact-count", {{"total", {{"count", kMost}}}}));
  std::atomic<int> landed{0}, full{0};
  {
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&, writer] {
        for (int i = 0; i < kMost / kWriters + 10; ++i) {
          const auto created =
              patient_->create(kStored, artifact_of(absl::StrCat("small-", writer, "-", i), kMegabyte), {});
          if (created) {
            ++landed;
          } else {
            ++full;
            EXPECT_TRUE(
                refused(created, 403, "ScaleLimit depository/artifact-count: over count: used 120, asked 1, hard 120"));
          }
        }
      });
    }
  }
  EXPECT_EQ(landed, kMost);
  EXPECT_EQ(full, 10 * kWriters);
  EXPECT_TRUE(status_reaches(home_, kScaleLimit, kNamespace, "artifact-count", [](const json& status) {
    return status.value("level", "") == "Red" && status.value("/fullest/used"_json_pointer, "") == "120";
  }));
  EXPECT_TRUE(remove("small-0-0"));
  EXPECT_TRUE(lands(patient_->create(kStored, artifact_of("in-its-place", kMegabyte), {})));
  EXPECT_TRUE(refused(patient_->create(kStored, artifact_of("one-too-many", kMegabyte), {}), 403, "used 120, asked 1"));

  ASSERT_TRUE(change("artifact-count", {{"total", {{"count", 100'000}}}}));
  home_.kubectl(absl::StrCat("delete artifacts.depository.example.com --all -n ", kNamespace, " --wait=false"));
  EXPECT_TRUE(storage_is("Green", "0", ""));
}

TEST_F(DepositoryLimits, storage_is_told_of_paused_halted_and_taken_up_again_as_it_fills) {
  fill(0, 1399);
  EXPECT_TRUE(storage_is("Green", "699500M", ""));
  fill(1399, 1400);
  ASSERT_TRUE(storage_is("Yellow", "700G", "expand"));
  const json expand = storage_threshold("expand");
  const auto time_of = [](const json& text) { return parse_rfc3339(text.get<std::string>()).value(); };
  EXPECT_EQ(time_of(expand.at("due")) - time_of(expand.at("since")), absl::Hours(6));
  EXPECT_TRUE(eventually(10, [&] { return has_event("LimitThresholdCrossed", "provision an expansion"); }));

  fill(1400, 1800);
  ASSERT_TRUE(storage_is("Orange", "900G", "expand critical"));
  const json critical = storage_threshold("critical");
  EXPECT_EQ(time_of(critical.at("due")) - time_of(critical.at("since")), absl::Hours(1));
  EXPECT_TRUE(eventually(10, [&] { return has_event("LimitThresholdCrossed", "storage is critical"); }));

  fill(1800, 1980);
  ASSERT_TRUE(storage_is("Red", "990G", "expand critical pause"));
  EXPECT_TRUE(
      soon_refused("while-paused", kMegabyte, 429,
                   "ScaleLimit depository/total-storage: storage is 990G of 1T (99 %); writes are paused: storage "
                   "is nearly full; an expansion is due within 6 hours"));
  EXPECT_TRUE(eventually(10, [&] { return has_event("WritesPaused", "storage is 990G of 1T"); }));
  EXPECT_TRUE(lands(client_->patch(kStored, {kNamespace, "large-0"}, kube::PatchType::Merge,
                                   {{"metadata", {{"labels", {{"checked", "yes"}}}}}}, {})))
      << "what adds nothing passes";
  EXPECT_TRUE(remove("large-0"));
  EXPECT_TRUE(storage_is("Orange", "989500M", "expand critical"));
  EXPECT_TRUE(lands(patient_->create(kStored, artifact_of("large-0", kLargest), {}))) << "a delete ends the pause";
  ASSERT_TRUE(storage_is("Red", "990G", "expand critical pause"));

  // The owner lets the last hundredth be used: then nothing is left, to the byte.
  const json thresholds = home_.get(kScaleLimit, kNamespace, "total-storage").at("spec").at("thresholds");
  json told = thresholds;
  for (json& one : told) {
    if (one.at("name") == "pause") one["action"] = "Notify";
  }
  ASSERT_TRUE(change("total-storage", {{"thresholds", told}}));
  EXPECT_TRUE(status_reaches(home_, kScaleLimit, kNamespace, "total-storage",
                             [](const json& status) { return !status.contains("paused"); }));
  fill(1980, kFull - 1);
  EXPECT_TRUE(storage_is("Red", "999500M", "expand critical pause"));
  EXPECT_TRUE(lands(create("nearly-the-last", kLargest - 1)));
  EXPECT_TRUE(refused(patient_->create(kStored, artifact_of("two-bytes", 2), {}), 403,
                      "ScaleLimit depository/total-storage: over storage: used 999999999999, asked 2, hard 1T"));
  EXPECT_TRUE(lands(patient_->create(kStored, artifact_of("the-last-byte", 1), {})));
  ASSERT_TRUE(storage_is("Red", "1T", "expand critical pause halt"));
  EXPECT_TRUE(
      soon_refused("while-halted", 0, 503,
                   "ScaleLimit depository/total-storage: storage is 1T of 1T (100 %); writes are halted: storage "
                   "is full; an expansion is due within 6 hours"));
  EXPECT_TRUE(eventually(10, [&] { return has_event("WritesHalted", "storage is full"); }));
  ASSERT_TRUE(change("total-storage", {{"thresholds", thresholds}}));

  // The halt ends with a byte, the pause with a hundredth.
  EXPECT_TRUE(remove("the-last-byte"));
  EXPECT_TRUE(soon_refused("while-paused", kMegabyte, 429, "writes are paused"));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(remove(absl::StrCat("large-", i)));
  EXPECT_TRUE(storage_is("Orange", "989999999999", "expand critical"));
  EXPECT_TRUE(lands(patient_->create(kStored, artifact_of("resumed", kMegabyte), {})));
  EXPECT_TRUE(eventually(10, [&] { return has_event("WritesResumed", "writes are let through again"); }));
}

TEST_F(DepositoryLimits, the_audit_trail_takes_records_and_keeps_them) {
  const json spec = {{"time", "2026-11-08T00:00:00Z"}, {"event", "an artifact was written"}};
  EXPECT_TRUE(lands(client_->create(kRecord, object_of(kRecord, kNamespace, "one", spec), {})));
  const char* const said =
      "ScaleLimit depository/audit-trail: rule \"append-only\" refuses this: the audit trail is append-only and kept "
      "for 7 "
      "years";
  EXPECT_TRUE(refused(client_->patch(kRecord, {kNamespace, "one"}, kube::PatchType::Merge,
                                     {{"spec", {{"event", "nothing happened"}}}}, {}),
                      403, said));
  const Status removed = client_->remove(kRecord, {kNamespace, "one"}, {}, {});
  ASSERT_FALSE(removed);
  EXPECT_TRUE(absl::StrContains(removed.error().message, said)) << removed.error().message;
  EXPECT_TRUE(client_->get(kRecord, {kNamespace, "one"}, {}));
}

}  // namespace
}  // namespace headroom::e2e
