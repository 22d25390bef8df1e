// When a certificate may be served, and which authorities the webhook configuration carries.
#include "operator/certificates/trust.h"

#include <absl/strings/str_join.h>
#include <gtest/gtest.h>

#include "operator/certificates/announcement.h"
#include "tests/certificates/paper_mint.h"

namespace headroom::certificates {
namespace {

Authority authority(const std::string& id) { return {id, id, kStart - kBackdated, kStart + absl::Hours(1000)}; }

Offer offer(const std::string& leaf, const AuthorityIds& anchors, const AuthorityIds& trusted) {
  Offer made{{{leaf, "key"}, leaf, {}, kStart - kBackdated, kStart + absl::Hours(100)}, anchors, {}};
  for (const std::string& id : trusted) made.trusted.push_back(authority(id));
  return made;
}

Carried carried(const AuthorityIds& ids) {
  Carried configuration{true, {}, ids};
  for (const std::string& id : ids) configuration.by_any.push_back(authority(id));
  return configuration;
}

class Trust : public ::testing::Test {
 protected:
  TrustStep look(double seconds) {
    inputs_.boot = absl::Seconds(seconds);
    inputs_.now = kStart + inputs_.boot;
    TrustStep result = step(state_, inputs_, options_);
    state_ = result.state;
    return result;
  }
  std::string serving() const { return state_.serving ? state_.serving->leaf.id : "nothing"; }
  static std::string ids(const TrustStep& result) {
    if (!result.bundle) return "leave it";
    return absl::StrJoin(*result.bundle, " ", [](std::string* out, const Authority& one) { out->append(one.id); });
  }

  TrustOptions options_{absl::Seconds(10), absl::Seconds(5), true, true};
  TrustInputs inputs_;
  TrustState state_;
};

TEST_F(Trust, begins_at_once_where_nobody_can_call_yet) {
  inputs_.offer = offer("l1", {"a1"}, {"a1"});
  inputs_.configuration = Carried{};
  const TrustStep result = look(0);
  EXPECT_TRUE(result.serve);
  EXPECT_TRUE(state_.settled);
  EXPECT_EQ(ids(result), "a1");
  EXPECT_FALSE(result.apply) << "there is no entry to write it into";
}

TEST_F(Trust, takes_a_new_authority_through_announcing_serving_and_dropping) {
  inputs_.offer = offer("l1", {"a1"}, {"a1"});
  inputs_.configuration = carried({"a1"});
  look(0);
  ASSERT_TRUE(state_.settled);
  inputs_.offer = offer("l1", {"a1"}, {"a1", "a2"});
  TrustStep result = look(1);
  EXPECT_EQ(ids(result), "a1 a2");
  EXPECT_TRUE(result.apply);
  inputs_.configuration = carried({"a1", "a2"});
  EXPECT_FALSE(look(2).apply);
  EXPECT_FALSE(known_everywhere(state_, "a2", absl::Seconds(11.9), options_));
  inputs_.offer = offer("l2", {"a2"}, {"a2"});
  look(11.9);
  EXPECT_EQ(serving(), "l1") << "an API server might not know a2 yet";
  EXPECT_TRUE(look(12).serve);
  EXPECT_EQ(serving(), "l2");
  EXPECT_TRUE(state_.settled);
  inputs_.others = {{{"a1"}, {"a1"}}};
  EXPECT_EQ(ids(look(20)), "a1 a2") << "another replica serves by a1";
  inputs_.others = {{{"a2"}, {"a2"}}};
  EXPECT_EQ(ids(look(21)), "a1 a2");
  EXPECT_EQ(ids(look(25.9)), "a1 a2") << "somebody might be about to say that it needs a1";
  EXPECT_EQ(ids(look(26)), "a2");
}

TEST_F(Trust, serves_another_leaf_of_the_same_authority_at_once) {
  inputs_.offer = offer("l1", {"a1"}, {"a1"});
  inputs_.configuration = carried({"a1"});
  look(0);
  inputs_.offer = offer("l2", {"a1"}, {"a1"});
  EXPECT_TRUE(look(1).serve);
  EXPECT_TRUE(state_.settled);
}

TEST_F(Trust, starts_to_wait_anew_when_the_configuration_lost_the_authority_in_between) {
  inputs_.offer = offer("l1", {"a1"}, {"a1", "a2"});
  inputs_.configuration = carried({"a1", "a2"});
  look(0);
  inputs_.configuration = carried({"a1"});
  look(9);
  inputs_.configuration = carried({"a1", "a2"});
  inputs_.offer = offer("l2", {"a2"}, {"a1", "a2"});
  look(10);
  look(19.9);
  EXPECT_EQ(serving(), "l1");
  look(20);
  EXPECT_EQ(serving(), "l2");
}

TEST_F(Trust, counts_an_authority_only_when_every_entry_carries_it) {
  inputs_.offer = offer("l1", {"a1"}, {"a1"});
  inputs_.configuration = carried({"a1", "a2"});
  inputs_.configuration->by_all = {"a1"};
  EXPECT_TRUE(look(0).apply) << "one entry lags";
  inputs_.offer = offer("l2", {"a2"}, {"a2"});
  look(100);
  EXPECT_EQ(serving(), "l1");
}

TEST_F(Trust, decides_nothing_by_a_configuration_that_cannot_be_read) {
  inputs_.offer = offer("l1", {"a1"}, {"a1", "a2"});
  inputs_.configuration = carried({"a1", "a2"});
  look(0);
  inputs_.configuration.reset();
  inputs_.offer = offer("l2", {"a2"}, {"a2"});
  const TrustStep result = look(100);
  EXPECT_EQ(serving(), "l1");
  EXPECT_EQ(ids(result), "leave it");
}

TEST_F(Trust, keeps_what_it_serves_while_the_source_cannot_be_read) {
  inputs_.offer = offer("l1", {"a1"}, {"a1"});
  inputs_.configuration = carried({"a1"});
  look(0);
  inputs_.offer.reset();
  const TrustStep result = look(1);
  EXPECT_EQ(serving(), "l1");
  EXPECT_FALSE(result.serve);
  EXPECT_EQ(ids(result), "a1") << "what is served must stay known";
}

TEST_F(Trust, gives_up_at_once_what_has_expired_or_what_nobody_can_verify_any_more) {
  inputs_.offer = offer("l1", {"a1"}, {"a1"});
  inputs_.configuration = carried({"a1"});
  look(0);
  inputs_.offer = offer("l2", {"a2"}, {"a2"});
  inputs_.configuration = carried({"a2"});
  look(1);
  EXPECT_EQ(serving(), "l2") << "the configuration was replaced behind our back";
  inputs_.offer = offer("l3", {"a3"}, {"a3"});
  inputs_.offer->leaf.not_after = kStart + absl::Hours(200);
  look(100 * 3600 - 1);
  EXPECT_EQ(serving(), "l2");
  look(100 * 3600);
  EXPECT_EQ(serving(), "l3");
}

TEST_F(Trust, never_takes_an_expired_certificate_for_a_good_one) {
  inputs_.offer = offer("l1", {"a1"}, {"a1"});
  inputs_.configuration = carried({"a1"});
  look(0);
  inputs_.offer = offer("l2", {"a1"}, {"a1"});
  inputs_.offer->leaf.not_after = kStart;
  look(1);
  EXPECT_EQ(serving(), "l1");
}

TEST_F(Trust, lets_a_new_replica_wait_for_its_authority_while_others_can_take_the_calls) {
  struct Row {
    const char* what;
    std::vector<OtherReplica> others;
    bool settled;
  };
  const Row rows[] = {
      {"another one serves by what all know", {{{"a1"}, {"a1"}}}, false},
      {"another one serves alike, so it is known", {{{"a2"}, {"a2"}}}, true},
      {"another one serves by what nobody knows any more", {{{"a0"}, {"a0"}}}, true},
      {"nobody takes calls", {{{}, {"a1"}}}, true},
      {"nobody else is there", {}, true},
  };
  for (const Row& row : rows) {
    state_ = {};
    inputs_.offer = offer("l2", {"a2"}, {"a2"});
    inputs_.configuration = carried({"a1", "a2"});
    inputs_.others = row.others;
    look(0);
    EXPECT_EQ(serving(), "l2");
    EXPECT_EQ(state_.settled, row.settled) << row.what;
    look(10);
    EXPECT_TRUE(state_.settled);
  }
}

TEST_F(Trust, announces_what_it_needs_and_only_when_it_is_settled_what_it_serves_by) {
  inputs_.offer = offer("l1", {"a1"}, {"a1", "a2"});
  inputs_.configuration = carried({"a9"});
  look(0);
  EXPECT_EQ(announcement(announced(state_, inputs_.offer)), "serving=;needs=a1,a2");
  inputs_.configuration = carried({"a1", "a2"});
  look(1);
  const std::string text = announcement(announced(state_, inputs_.offer));
  EXPECT_EQ(text, "serving=a1;needs=a1,a2");
  EXPECT_EQ(read_announcement(text).needs, (AuthorityIds{"a1", "a2"}));
  EXPECT_EQ(read_announcement(text).serving, (AuthorityIds{"a1"}));
  for (const char* damaged : {"", ";", "serving", "needs", "=;=", "other=a1"}) {
    EXPECT_TRUE(read_announcement(damaged).needs.empty()) << damaged;
  }
}

TEST_F(Trust, leaves_the_bundle_to_whoever_else_writes_it) {
  options_.owns_bundle = false;
  inputs_.offer = offer("l1", {"a1"}, {"a1"});
  inputs_.configuration = carried({});
  TrustStep result = look(0);
  EXPECT_EQ(ids(result), "leave it");
  EXPECT_FALSE(result.apply);
  inputs_.configuration = carried({"a1"});
  look(1);
  EXPECT_TRUE(state_.settled);
  inputs_.offer = offer("l2", {"a2"}, {"a2"});
  look(2);
  EXPECT_EQ(serving(), "l1") << "the injector has not done its part";
  inputs_.configuration = carried({"a2"});
  look(3);
  EXPECT_EQ(serving(), "l2");
}

TEST_F(Trust, serves_what_it_is_given_where_it_keeps_no_configuration) {
  options_.manages_configuration = false;
  inputs_.offer = offer("l1", {}, {});
  EXPECT_TRUE(look(0).serve);
  EXPECT_TRUE(state_.settled);
  inputs_.offer = offer("l2", {}, {});
  EXPECT_TRUE(look(1).serve);
  EXPECT_EQ(ids(look(2)), "leave it");
}

TEST_F(Trust, leaves_out_authorities_that_have_expired) {
  inputs_.offer = offer("l1", {"a1"}, {"a1"});
  inputs_.configuration = carried({"a0", "a1"});
  inputs_.configuration->by_any[0].not_after = kStart;
  inputs_.others = {{{}, {"a0"}}};
  EXPECT_EQ(ids(look(0)), "a1");
}

}  // namespace
}  // namespace headroom::certificates
