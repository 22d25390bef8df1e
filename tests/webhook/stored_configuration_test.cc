// A stored webhook configuration is held against what was applied.
#include "webhook/app/stored_configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/webhook/limits_for_tests.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using Webhook = EnforcementFacts::Webhook;

WebhookAddress address() {
  WebhookAddress address;
  address.url = "https://webhook.example.com/validate";
  address.excluded_namespaces = {"kube-system"};
  return address;
}

/// A limit that changes the conditions of the entry that it shares with others.
LimitPtr limit_of(const std::string& resource, int generation = 1) {
  api::ScaleLimit limit = deployments_limit();
  limit.meta.name = limit.meta.uid = resource;
  limit.meta.generation = generation;
  limit.spec.match.resources.front().resource = resource;
  return compiled(limit);
}

limits::BootTime second(double seconds) { return absl::Seconds(seconds); }

class StoredConfigurations : public ::testing::Test {
 protected:
  /// What this replica applies for these limits.
  void apply(const std::vector<LimitPtr>& limits, double at) {
    const limits::LimitSet set(limits);
    AppliedConfigurations next = applied_.configurations ? *applied_.configurations : AppliedConfigurations();
    next.add(set, webhook_configuration("headroom", set, address()));
    applied_ = {std::make_shared<const AppliedConfigurations>(std::move(next)), second(at)};
  }
  /// As the API server has it, after a write.
  static json written(const std::vector<LimitPtr>& limits, const std::string& version = "1") {
    json object = webhook_configuration("headroom", limits::LimitSet(limits), address());
    object["metadata"]["resourceVersion"] = version;
    return object;
  }
  Webhook look(const LimitPtr& limit, json object, double at, bool overlooked = false) {
    configuration_.was_read(std::move(object), second(at));
    configuration_.begin_round(applied_, second(at));
    facts_ = {};
    configuration_.observe(limit, applied_, overlooked, facts_);
    return facts_.webhook;
  }
  bool lacks() { return configuration_.lacks(applied_); }

  const LimitPtr a_ = limit_of("deployments"), b_ = limit_of("statefulsets");
  StoredConfiguration configuration_{"headroom", address()};
  AppliedSoFar applied_;
  EnforcementFacts facts_;
};

TEST_F(StoredConfigurations, are_in_place_once_they_are_as_they_were_applied) {
  EXPECT_EQ(look(a_, written({a_}), 1), Webhook::Lacking);
  EXPECT_THAT(facts_.webhook_lacks, HasSubstr("is not yet that of generation 1"));
  apply({a_}, 2);
  EXPECT_EQ(look(a_, written({a_}), 3), Webhook::InPlace);
  EXPECT_FALSE(lacks());
}

TEST_F(StoredConfigurations, are_not_to_be_applied_again_for_a_limit_over_a_version_that_is_not_in_force) {
  api::ScaleLimit newer = b_->limit();
  newer.meta.created = absl::FromUnixSeconds(2);
  newer.spec.match.resources = a_->limit().spec.match.resources;
  newer.spec.match.resources.front().version = "v2";
  api::ScaleLimit older = a_->limit();
  older.meta.created = absl::FromUnixSeconds(1);
  const LimitPtr leading = compiled(older), overlooked = compiled(newer);
  apply({leading, overlooked}, 1);
  for (int i = 2; i < 10; ++i) {
    EXPECT_EQ(look(overlooked, written({leading, overlooked}), i, true), Webhook::Lacking);
    EXPECT_FALSE(lacks()) << i;
  }
  EXPECT_EQ(look(leading, written({leading, overlooked}), 11), Webhook::InPlace);
}

TEST_F(StoredConfigurations, of_other_replicas_that_know_a_later_limit_before_or_after_this_one_do_no_harm) {
  apply({a_}, 1);
  EXPECT_EQ(look(a_, written({a_}), 2), Webhook::InPlace);
  EXPECT_EQ(look(a_, written({a_, b_}), 3), Webhook::Unknown) << "another one is quicker";
  apply({a_, b_}, 3.1);
  EXPECT_EQ(look(a_, written({a_, b_}), 4), Webhook::InPlace);
  EXPECT_EQ(look(a_, written({a_}), 5), Webhook::InPlace) << "another one is slower";
  EXPECT_EQ(look(b_, written({a_}), 5.1), Webhook::Lacking);
  EXPECT_TRUE(lacks());
}

TEST_F(StoredConfigurations, whose_conditions_somebody_has_changed_leave_a_limit_without_its_promise_soon) {
  apply({a_}, 1);
  json altered = written({a_}, "2");
  altered["webhooks"][1]["matchConditions"][0]["expression"] = "false";
  EXPECT_EQ(look(a_, altered, 2), Webhook::Unknown);
  EXPECT_FALSE(lacks());
  EXPECT_EQ(look(a_, altered, 4), Webhook::Lacking);
  EXPECT_THAT(facts_.webhook_lacks,
              HasSubstr("the matchConditions of ValidatingWebhookConfiguration headroom are not"));
  EXPECT_TRUE(lacks());
  EXPECT_FALSE(lacks()) << "once per reading";
  EXPECT_EQ(look(a_, altered, 4.5), Webhook::Lacking);
  EXPECT_TRUE(lacks());
}

TEST_F(StoredConfigurations, that_were_altered_for_a_moment_break_the_promise_all_the_same) {
  apply({a_}, 1);
  json altered = written({a_}, "2");
  altered["webhooks"][1]["matchConditions"][0]["expression"] = "false";
  EXPECT_EQ(look(a_, altered, 2), Webhook::Unknown);
  EXPECT_EQ(look(a_, written({a_}, "3"), 3), Webhook::Lacking);
  EXPECT_EQ(look(a_, written({a_}, "3"), 4), Webhook::InPlace);
}

TEST_F(StoredConfigurations, with_a_condition_more_leave_out_more) {
  apply({a_}, 1);
  json altered = written({a_}, "2");
  altered["webhooks"][1]["matchConditions"].push_back({{"name", "never"}, {"expression", "false"}});
  look(a_, altered, 2);
  EXPECT_EQ(look(a_, altered, 4), Webhook::Lacking);
}

TEST_F(StoredConfigurations, of_conditions_from_before_the_limit_say_nothing_of_it) {
  apply({b_}, 1);
  apply({a_, b_}, 2);
  json before = written({a_, b_}, "2");
  before["webhooks"][1]["matchConditions"] = written({b_})["webhooks"][1]["matchConditions"];
  look(a_, before, 3);
  EXPECT_EQ(look(a_, before, 6), Webhook::Lacking);
  EXPECT_EQ(look(b_, before, 6.1), Webhook::InPlace);
}

TEST_F(StoredConfigurations, that_ask_about_more_than_is_wanted_are_put_right_without_breaking_a_promise) {
  apply({a_}, 1);
  json wide = written({a_}, "2");
  wide["webhooks"][0]["rules"][0]["resources"] = {"*"};
  EXPECT_EQ(look(a_, wide, 2), Webhook::InPlace);
  EXPECT_FALSE(lacks());
  EXPECT_EQ(look(a_, wide, 4.5), Webhook::InPlace);
  EXPECT_TRUE(lacks());
}

TEST_F(StoredConfigurations, are_not_lacking_by_a_reading_from_before_they_were_applied) {
  apply({a_}, 1);
  json none = written({a_}, "2");
  none["webhooks"] = json::array();
  EXPECT_EQ(look(a_, none, 2), Webhook::Lacking);
  applied_.at = second(3);
  EXPECT_FALSE(lacks());
}

TEST_F(StoredConfigurations, are_known_again_whatever_the_api_server_adds_and_in_whichever_order) {
  json stored = written({a_});
  stored["webhooks"][0]["addedLater"] = "by a newer API server";
  std::reverse(stored["webhooks"][1]["matchConditions"].begin(), stored["webhooks"][1]["matchConditions"].end());
  stored["webhooks"].insert(stored["webhooks"].begin(), {{"name", "of.others"}});
  EXPECT_TRUE(is_stored(stored, written({a_})));
  stored["webhooks"][1]["objectSelector"] = {{"matchLabels", {{"a", "b"}}}};
  EXPECT_FALSE(is_stored(stored, written({a_})));
}

TEST_F(StoredConfigurations, are_ours_with_authorities_that_another_replica_or_somebody_else_has_set) {
  json stored = written({a_});
  stored["webhooks"][0]["clientConfig"]["caBundle"] = "aW5qZWN0ZWQ=";
  EXPECT_TRUE(is_stored(stored, written({a_})));
  json applied = written({a_});
  applied["webhooks"][0]["clientConfig"]["caBundle"] = "b3Vycw==";
  EXPECT_TRUE(is_stored(stored, applied));
  stored["webhooks"][0]["clientConfig"]["url"] = "https://elsewhere.example.com/validate";
  EXPECT_FALSE(is_stored(stored, written({a_})));
}

}  // namespace
}  // namespace headroom::webhook
