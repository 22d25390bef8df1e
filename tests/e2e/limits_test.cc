// Limits on a real API server, enforced by headroom-webhook.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <future>
#include <vector>

#include "operator/kube/cpprest_transport.h"
#include "tests/e2e/limits_home.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

/// Without the client's own patience: what is refused comes back at once.
class Limits : public ::testing::Test {
 protected:
  Limits() {
    kube::ClientLimits impatient;
    impatient.retry_for = std::chrono::milliseconds(0);
    client_ = std::make_unique<kube::Client>(kube::make_transport(home_.config()).value(), impatient, 1);
  }

  Result<json> create(const json& object) { return client_->create(kArtifact, object, {}); }
  Result<json> resize(const std::string& ns, const std::string& name, std::int64_t size) {
    return client_->patch(kArtifact, {ns, name}, kube::PatchType::Merge, {{"spec", {{"size", size}}}}, {});
  }
  Result<json> scale(const std::string& ns, const std::string& name, int replicas) {
    kube::WriteOptions options;
    options.subresource = "scale";
    return client_->patch(kArtifact, {ns, name}, kube::PatchType::Merge, {{"spec", {{"replicas", replicas}}}}, {},
                          options);
  }
  Status remove(const std::string& ns, const std::string& name) {
    return client_->remove(kArtifact, {ns, name}, {}, {});
  }

  static ::testing::AssertionResult lands(const Result<json>& result) {
    if (result) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << result.error().message;
  }
  /// By its status, with a message that ends so.
  static ::testing::AssertionResult refused(const Result<json>& result, int status, const std::string& message) {
    if (result) return ::testing::AssertionFailure() << "it was let through";
    if (result.error().http_status == status && absl::StrContains(result.error().message, message)) {
      return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << result.error().http_status << " " << result.error().message;
  }

  /// A replica that has a grant in the ledger; `replicas` when none has.
  std::size_t holder_of(const Webhooks& webhooks, std::size_t replicas, const std::string& ledger) const {
    const json record = home_.get(kLimitLedger, "headroom-system", ledger).at("record");
    for (const json& grant : record.value("grants", json::array())) {
      for (std::size_t i = 0; i < replicas; ++i) {
        if (grant.at("holder") == webhooks.lease(i)) return i;
      }
    }
    return replicas;
  }

  Cluster& home_ = limits_home();
  std::unique_ptr<kube::Client> client_;
};

TEST_F(Limits, let_through_exactly_as_many_objects_as_they_say) {
  limit_namespace("counted", {scale_limit("counted", "artifacts", {{"count", 5}})});
  Webhooks webhooks(home_, 1, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 1, "counted", {"artifacts"}));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(lands(create(artifact("counted", absl::StrCat("a", i)))));
  EXPECT_TRUE(refused(create(artifact("counted", "one-too-many")), 403,
                      "ScaleLimit counted/artifacts: over count: used 5, asked 1, hard 5"));
  EXPECT_TRUE(refused(create(artifact("counted", "a3")), 409, "artifacts.example.com \"a3\" already exists"));
  EXPECT_TRUE(lands(resize("counted", "a3", 1000))) << "a count does not care";
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(remove("counted", "a3"));
    EXPECT_TRUE(lands(create(artifact("counted", "a3")))) << "a delete makes room at once, round " << i;
  }
}

TEST_F(Limits, add_up_what_objects_say_and_let_them_shrink) {
  limit_namespace("summed", {scale_limit("summed", "size", {{"sums", {sum(100)}}})});
  Webhooks webhooks(home_, 1, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 1, "summed", {"size"}));
  EXPECT_TRUE(lands(create(artifact("summed", "large", 70))));
  EXPECT_TRUE(refused(create(artifact("summed", "second", 31)), 403,
                      "ScaleLimit summed/size: over size: used 70, asked 31, hard 100"));
  EXPECT_TRUE(lands(create(artifact("summed", "second", 30))));
  EXPECT_TRUE(refused(resize("summed", "second", 31), 403, "over size: used 100, asked 1, hard 100"));
  EXPECT_TRUE(lands(resize("summed", "large", 10)));
  EXPECT_TRUE(lands(resize("summed", "second", 90)));
  EXPECT_TRUE(refused(resize("summed", "large", 11), 403, "over size: used 100, asked 1, hard 100"));
  EXPECT_TRUE(lands(client_->patch(kArtifact, {"summed", "large"}, kube::PatchType::Merge,
                                   {{"metadata", {{"labels", {{"touched", "yes"}}}}}}, {})));
}

TEST_F(Limits, cap_single_objects_and_say_so_with_the_code_that_clients_know) {
  json limit = scale_limit("capped", "artifacts", {{"count", 10}});
  limit["spec"]["object"] = {{"maxBytes", 2000},
                             {"fields", {{{"name", "size"}, {"path", ".spec.size"}, {"max", "500M"}}}}};
  limit_namespace("capped", {limit});
  Webhooks webhooks(home_, 1, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 1, "capped", {"artifacts"}));
  EXPECT_TRUE(lands(create(artifact("capped", "just", 500'000'000))));
  EXPECT_TRUE(refused(create(artifact("capped", "more", 500'000'001)), 413,
                      "ScaleLimit capped/artifacts: .spec.size is 500000001, at most 500M is allowed"));
  json wide = artifact("capped", "wide");
  wide["spec"]["text"] = std::string(2000, 'x');
  EXPECT_TRUE(refused(create(wide), 413, "bytes as compact JSON without managedFields, at most 2000 are allowed"));
  EXPECT_TRUE(refused(resize("capped", "just", 600'000'000), 413, ".spec.size is 600M"));
  EXPECT_TRUE(lands(resize("capped", "just", 1)));
}

TEST_F(Limits, hold_for_a_scale_whatever_its_field_is_called_in_the_object) {
  json limit = scale_limit("scaled", "size", {{"sums", {sum(100)}}});
  limit["spec"]["match"]["resources"][0]["subresources"] = {"scale"};
  limit_namespace("scaled", {limit});
  Webhooks webhooks(home_, 1, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 1, "scaled", {"size"}));
  ASSERT_TRUE(lands(create(artifact("scaled", "large", 70))));
  ASSERT_TRUE(lands(create(artifact("scaled", "small", 10))));
  EXPECT_TRUE(refused(scale("scaled", "small", 31), 403, "over size: used 80, asked 21, hard 100"));
  EXPECT_TRUE(lands(scale("scaled", "small", 30)));
  EXPECT_TRUE(refused(resize("scaled", "large", 71), 403, "over size: used 100, asked 1, hard 100"));
  EXPECT_TRUE(lands(scale("scaled", "small", 5)));
}

TEST_F(Limits, count_what_a_scale_makes_them_select) {
  json limit = scale_limit("woken", "awake", {{"count", 1}});
  json& match = limit["spec"]["match"];
  match["resources"][0]["subresources"] = {"scale"};
  match["fieldSelector"] = json::array({{{"path", ".spec.size"}, {"operator", "NotIn"}, {"values", {"0"}}}});
  limit_namespace("woken", {limit});
  Webhooks webhooks(home_, 1, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 1, "woken", {"awake"}));
  ASSERT_TRUE(lands(create(artifact("woken", "first", 1))));
  ASSERT_TRUE(lands(create(artifact("woken", "second", 0))));
  std::string last;
  // For a moment it is not known whether the object is one that the limit counts: 429.
  const auto refused_at_last = [&](int status, const std::string& message) {
    return eventually(10, [&] {
      const auto answer = refused(scale("woken", "second", 3), status, message);
      last = answer.message();
      return bool(answer);
    });
  };
  EXPECT_TRUE(refused_at_last(403, "over count: used 1, asked 1, hard 1")) << last;
  ASSERT_TRUE(lands(scale("woken", "first", 0)));
  EXPECT_TRUE(eventually(10, [&] { return bool(lands(scale("woken", "second", 3))); }));
}

TEST_F(Limits, judge_a_dry_run_and_charge_nothing_for_it) {
  limit_namespace("dry", {scale_limit("dry", "artifacts", {{"count", 1}})});
  Webhooks webhooks(home_, 1, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 1, "dry", {"artifacts"}));
  kube::WriteOptions dry;
  dry.dry_run = true;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(lands(client_->create(kArtifact, artifact("dry", "never"), {}, dry)));
  EXPECT_TRUE(lands(create(artifact("dry", "a"))));
  EXPECT_TRUE(eventually(10, [&] {
    return bool(refused(client_->create(kArtifact, artifact("dry", "b"), {}, dry), 403, "used 1, asked 1, hard 1"));
  }));
}

TEST_F(Limits, refuse_by_rule_while_a_switch_is_on) {
  json limit = scale_limit("ruled", "marketing", json::object());
  limit["spec"].erase("total");
  limit["spec"]["deny"] = {{{"name", "surge"},
                            {"whileSwitch", {{"configMap", "switches"}, {"key", "marketing"}, {"value", "reject"}}},
                            {"message", "new campaigns wait until the surge is over"}}};
  limit_namespace("ruled", {limit});
  Webhooks webhooks(home_, 1, limits_arguments());
  ASSERT_TRUE(webhooks.wait_ready(30));
  const json off{{"apiVersion", "v1"},
                 {"kind", "ConfigMap"},
                 {"metadata", {{"namespace", "ruled"}, {"name", "switches"}}},
                 {"data", {{"marketing", "accept"}}}};
  ASSERT_TRUE(lands(client_->create(kube::types::kConfigMap, off, {})));
  const auto turn = [&](const char* value) {
    return client_->patch(kube::types::kConfigMap, {"ruled", "switches"}, kube::PatchType::Merge,
                          {{"data", {{"marketing", value}}}}, {});
  };
  ASSERT_TRUE(lands(turn("reject")));
  int made = 0;
  EXPECT_TRUE(eventually(20, [&] {
    const auto asked = create(artifact("ruled", absl::StrCat("campaign", ++made)));
    return bool(refused(asked, 403, "rule \"surge\" refuses this: new campaigns wait until the surge is over"));
  }));
  ASSERT_TRUE(lands(turn("accept")));
  EXPECT_TRUE(eventually(20, [&] { return bool(lands(create(artifact("ruled", "later")))); }));
}

TEST_F(Limits, hold_all_together_or_refuse_without_holding_anything) {
  limit_namespace(
      "both", {scale_limit("both", "artifacts", {{"count", 3}}), scale_limit("both", "size", {{"sums", {sum(100)}}})});
  Webhooks webhooks(home_, 3, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 3, "both", {"artifacts", "size"}));
  EXPECT_TRUE(lands(create(artifact("both", "a", 60))));
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(refused(create(artifact("both", "too-large", 50)), 403, "both/size: over size: used 60, asked 50"));
  }
  EXPECT_TRUE(lands(create(artifact("both", "b", 1))));
  EXPECT_TRUE(lands(create(artifact("both", "c", 39))));
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(refused(create(artifact("both", "d", 0)), 403, "both/artifacts: over count: used 3, asked 1, hard 3"));
  }
}

TEST_F(Limits, count_namespaces_that_are_labelled_after_they_were_made) {
  limit_namespace("landlord", {scale_limit("landlord", "any", {{"count", 100}})});
  json gold = scale_limit("", "gold", {{"count", 2}});
  gold["kind"] = kube::types::kClusterScaleLimit.kind;
  gold["metadata"].erase("namespace");
  gold["spec"]["match"] = {
      {"labelSelector", {{"matchLabels", {{"tier", "gold"}}}}},
      {"resources",
       json::array({{{"group", ""}, {"version", "v1"}, {"resource", "namespaces"}, {"scope", "Cluster"}}})}};
  ASSERT_TRUE(lands(client_->create(kube::types::kClusterScaleLimit, gold, {})));
  for (const char* const tenant : {"tenant-1", "tenant-2", "tenant-3"}) limit_namespace(tenant, {});
  const auto label = [&](const std::string& tenant, const json& tier) {
    return client_->patch(kube::types::kNamespace, {"", tenant}, kube::PatchType::Merge,
                          {{"metadata", {{"labels", {{"tier", tier}}}}}}, {});
  };
  const auto make_gold = [&](const std::string& tenant) {
    return client_->create(
        kube::types::kNamespace,
        {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", tenant}, {"labels", {{"tier", "gold"}}}}}},
        {});
  };
  Webhooks webhooks(home_, 2, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 2, "landlord", {"any"}));
  ASSERT_TRUE(judged_by(webhooks, 2, "ClusterScaleLimit", "", "gold", 1));
  EXPECT_TRUE(lands(label("tenant-1", "gold")));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(refused(make_gold("tenant-1"), 409, "already exists"));
  EXPECT_TRUE(lands(label("tenant-2", "gold"))) << "creates of what is there hold nothing";
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(refused(label("tenant-3", "gold"), 403, "gold: over count: used 2, asked 1, hard 2"));
    EXPECT_TRUE(refused(make_gold("tenant-4"), 403, "gold: over count: used 2, asked 1, hard 2"));
  }
  EXPECT_TRUE(lands(label("tenant-1", nullptr)));
  EXPECT_TRUE(lands(make_gold("tenant-4")));
  // Later tests make namespaces while no webhook is there.
  EXPECT_TRUE(client_->remove(kube::types::kClusterScaleLimit, {"", "gold"}, {}, {}));
  EXPECT_TRUE(eventually(20, [&] {
    const auto asked = client_->get(kube::types::kValidatingWebhookConfiguration, {"", "headroom"}, {});
    return asked && !absl::StrContains(asked.value()["webhooks"].dump(), "\"namespaces\"");
  }));
}

TEST_F(Limits, tell_of_the_denials_of_all_replicas) {
  limit_namespace("told", {scale_limit("told", "artifacts", {{"count", 1}})});
  Webhooks webhooks(home_, 3, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 3, "told", {"artifacts"}));
  EXPECT_TRUE(lands(create(artifact("told", "a"))));
  // Many at a time take many connections, and so all replicas.
  constexpr int kRounds = 5, kAtATime = 8, kDenied = kRounds * kAtATime;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::future<Result<json>>> creates;
    for (int i = 0; i < kAtATime; ++i) {
      creates.push_back(
          std::async(std::launch::async, [&, i] { return create(artifact("told", absl::StrCat("b-", i))); }));
    }
    for (auto& one : creates) EXPECT_TRUE(refused(one.get(), 403, "over count"));
  }
  const auto told = [&] {
    const json denials = home_.get(kScaleLimit, "told", "artifacts")["/status/denials"_json_pointer];
    return denials.is_array() && denials.size() == 1 ? denials[0].value("count", 0) : 0;
  };
  EXPECT_TRUE(eventually(30, [&] { return told() == kDenied; })) << told();
  int denied = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    if (absl::StrContains(webhooks.replica(i).ask("/metrics"), "headroom_limit_denials_total{")) ++denied;
  }
  EXPECT_GE(denied, 2) << "one replica alone shows nothing";
}

TEST_F(Limits, follow_their_bounds_up_and_down) {
  limit_namespace("moved", {scale_limit("moved", "artifacts", {{"count", 2}})});
  Webhooks webhooks(home_, 2, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 2, "moved", {"artifacts"}));
  const auto set_hard = [&](int hard) {
    return client_->patch(kScaleLimit, {"moved", "artifacts"}, kube::PatchType::Merge,
                          {{"spec", {{"total", {{"count", hard}}}}}}, {});
  };
  EXPECT_TRUE(lands(create(artifact("moved", "a"))));
  EXPECT_TRUE(lands(create(artifact("moved", "b"))));
  EXPECT_TRUE(refused(create(artifact("moved", "c")), 403, "used 2, asked 1, hard 2"));
  ASSERT_TRUE(lands(set_hard(3)));
  ASSERT_TRUE(in_force(webhooks, 2, "moved", {"artifacts"}, 2));
  EXPECT_TRUE(lands(create(artifact("moved", "c"))));
  ASSERT_TRUE(lands(set_hard(1)));
  ASSERT_TRUE(in_force(webhooks, 2, "moved", {"artifacts"}, 3));
  EXPECT_TRUE(refused(create(artifact("moved", "d")), 403, "used 3, asked 1, hard 1"));
  ASSERT_TRUE(remove("moved", "a"));
  ASSERT_TRUE(remove("moved", "b"));
  EXPECT_TRUE(refused(create(artifact("moved", "d")), 403, "used 1, asked 1, hard 1"));
  ASSERT_TRUE(remove("moved", "c"));
  EXPECT_TRUE(lands(create(artifact("moved", "d"))));
}

TEST_F(Limits, count_what_was_there_before_them) {
  limit_namespace("late", {});
  Webhooks webhooks(home_, 2, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 2, "nothing", {"nothing"}));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(lands(create(artifact("late", absl::StrCat("a", i), 10))));
  ASSERT_TRUE(lands(client_->create(kScaleLimit, scale_limit("late", "size", {{"sums", {sum(50)}}}), {})));
  ASSERT_TRUE(in_force(webhooks, 2, "late", {"size"}));
  EXPECT_TRUE(refused(create(artifact("late", "b", 11)), 403, "over size: used 40, asked 11, hard 50"));
  EXPECT_TRUE(lands(create(artifact("late", "b", 10))));
  EXPECT_TRUE(refused(create(artifact("late", "c", 1)), 403, "over size: used 50, asked 1, hard 50"));
}

// As when a limit is applied before the definition of what it limits, or before the webhook may list that.
TEST_F(Limits, hold_though_the_kind_of_another_is_not_defined_yet) {
  const kube::ResourceType kGhost{"example.com", "v1", "ghosts", "Ghost", true};
  const auto ghost = [&](const std::string& name) {
    return json{{"apiVersion", kGhost.api_version()},
                {"kind", kGhost.kind},
                {"metadata", {{"namespace", "haunted"}, {"name", name}}}};
  };
  home_.rights().let_limit(kGhost.group, {kGhost.plural});
  limit_namespace("haunted", {scale_limit("haunted", "artifacts", {{"count", 1}})});
  Webhooks webhooks(home_, 1, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 1, "haunted", {"artifacts"}));

  json over_ghosts = scale_limit("haunted", "ghosts", {{"count", 1}});
  over_ghosts["spec"]["match"]["resources"][0]["resource"] = kGhost.plural;
  ASSERT_TRUE(lands(home_.client().create(kScaleLimit, over_ghosts, {})));
  ASSERT_TRUE(eventually(30, [&] {
    return absl::StrContains(home_.get(kube::types::kValidatingWebhookConfiguration, "", "headroom").dump(), "ghosts");
  })) << "the webhook knows of it";
  EXPECT_TRUE(webhooks.replica(0).ready()) << webhooks.replica(0).log();
  EXPECT_TRUE(lands(create(artifact("haunted", "a"))));
  EXPECT_TRUE(refused(create(artifact("haunted", "b")), 403, "over count: used 1, asked 1, hard 1"));

  webhooks.replica(0).kill_now();
  webhooks.restart(0);
  ASSERT_TRUE(in_force(webhooks, 1, "haunted", {"artifacts"})) << "one that begins then, too";
  EXPECT_TRUE(refused(create(artifact("haunted", "b")), 403, "over count: used 1, asked 1, hard 1"));

  define(kGhost);
  ASSERT_TRUE(eventually(60, [&] { return client_->create(kGhost, ghost("a"), {}).has_value(); }));
  EXPECT_TRUE(refused(client_->create(kGhost, ghost("b"), {}), 403,
                      "ScaleLimit haunted/ghosts: over count: used 1, asked 1, hard 1"));
}

TEST_F(Limits, are_kept_by_those_who_are_left_when_a_replica_dies) {
  limit_namespace("orphaned", {scale_limit("orphaned", "artifacts", {{"count", 40}})});
  Webhooks webhooks(home_, 3, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 3, "orphaned", {"artifacts"}));
  int created = 0;
  for (; created < 20; ++created) ASSERT_TRUE(lands(create(artifact("orphaned", absl::StrCat("a", created)))));
  const std::size_t dead = holder_of(webhooks, 3, "sl.orphaned.artifacts");
  ASSERT_LT(dead, 3u);
  webhooks.replica(dead).kill_now();
  const auto killed = std::chrono::steady_clock::now();
  // What it held is not lost for good; until then nobody is told that the limit is reached.
  int asked_again = 0;
  ASSERT_TRUE(eventually(60, [&] {
    const auto result = create(artifact("orphaned", absl::StrCat("a", created)));
    if (result) return ++created == 40;
    ++asked_again;
    EXPECT_TRUE(result.error().http_status == 429 || result.error().http_status >= 500) << result.error().message;
    return false;
  })) << created;
  EXPECT_GT(asked_again, 0) << "it held nothing";
  // Its Lease of three seconds, which it had renewed a second ago at most, and the request deadline of twelve.
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - killed;
  EXPECT_GE(took.count(), 12);
  EXPECT_LE(took.count(), 3 + 12 + 10) << "ten for a busy machine";
  EXPECT_TRUE(eventually(20, [&] {
    return static_cast<bool>(refused(create(artifact("orphaned", "one-too-many")), 403, "used 40, asked 1, hard 40"));
  }));
  webhooks.restart(dead);
  ASSERT_TRUE(in_force(webhooks, 3, "orphaned", {"artifacts"}));
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(refused(create(artifact("orphaned", "one-too-many")), 403, "used 40, asked 1, hard 40"));
  }
}

TEST_F(Limits, are_handed_over_by_a_replica_that_is_told_to_end) {
  limit_namespace("handed", {scale_limit("handed", "artifacts", {{"count", 40}})});
  Webhooks webhooks(home_, 2, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 2, "handed", {"artifacts"}));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(lands(create(artifact("handed", absl::StrCat("a", i)))));
  const std::size_t ending = holder_of(webhooks, 2, "sl.handed.artifacts");
  ASSERT_LT(ending, 2u);
  webhooks.replica(ending).signal(SIGTERM);
  EXPECT_EQ(webhooks.replica(ending).wait(15), 0) << webhooks.replica(ending).log();
  EXPECT_EQ(holder_of(webhooks, 2, "sl.handed.artifacts"), 2u) << "it holds on to its grant";
  EXPECT_FALSE(client_->get(kube::types::kLease, {"headroom-system", webhooks.lease(ending)}, {}));
  for (int i = 10; i < 40; ++i) {
    const auto result = create(artifact("handed", absl::StrCat("a", i)));
    ASSERT_TRUE(lands(result)) << i;
  }
  EXPECT_TRUE(refused(create(artifact("handed", "one-too-many")), 403, "used 40, asked 1, hard 40"));
}

}  // namespace
}  // namespace headroom::e2e
