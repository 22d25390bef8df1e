#include "webhook/app/limit_book.h"

#include <gtest/gtest.h>

#include "tests/webhook_app/a_limit.h"

namespace headroom::webhook {
namespace {

using Namespaces = std::vector<std::shared_ptr<const KnownNamespace>>;

const nlohmann::json kSum = {{"total", {{"sums", {{{"name", "size"}, {"path", ".spec.size"}, {"hard", "1Gi"}}}}}}};

std::shared_ptr<const KnownNamespace> a_namespace(const std::string& name, const std::string& tier) {
  return std::make_shared<const KnownNamespace>(KnownNamespace{name, {{"tier", tier}}});
}

TEST(LimitBook, numbers_each_limit_once_and_tells_only_what_has_changed) {
  LimitBook book({"kube-system"});
  const auto first = a_limit("first");
  const auto second = a_limit("second", {}, "u-2");
  const LimitChange both = book.update({first, second}, {});
  ASSERT_EQ(both.added.size(), 2u);
  EXPECT_NE(both.added[0]->id(), both.added[1]->id());
  EXPECT_TRUE(both.dropped.empty());
  const LimitChange same = book.update({first, second}, {});
  EXPECT_TRUE(same.added.empty() && same.dropped.empty() && same.altered.empty());
  EXPECT_EQ(same.limits->limits().size(), 2u);
  const LimitChange one = book.update({second}, {});
  EXPECT_EQ(one.dropped, std::vector{both.added[0]->id()});
  EXPECT_TRUE(one.added.empty() && one.altered.empty());
  EXPECT_EQ(one.limits->limits().size(), 1u);
}

TEST(LimitBook, keeps_the_number_while_only_the_bound_moves) {
  LimitBook book({});
  const limits::LimitId id = book.update({a_limit("first")}, {}).added[0]->id();
  const LimitChange more = book.update({a_limit("first", {{"total", {{"count", 11}}}}, "u-1", 2)}, {});
  ASSERT_EQ(more.altered.size(), 1u);
  EXPECT_EQ(more.altered[0]->id(), id);
  EXPECT_EQ(more.altered[0]->terms().generation, 2);
  EXPECT_TRUE(more.added.empty() && more.dropped.empty());
}

TEST(LimitBook, gives_a_new_number_where_another_count_begins) {
  const struct {
    const char* what;
    std::shared_ptr<const api::ScaleLimit> next;
  } table[] = {
      {"made anew", a_limit("first", {}, "u-other")},
      {"labels", a_limit("first", {{"match", {{"labelSelector", {{"matchLabels", {{"a", "b"}}}}}}}})},
      {"a sum more", a_limit("first", kSum)},
      {"another type",
       a_limit("first", {{"match", {{"resources", {{{"group", ""}, {"version", "v1"}, {"resource", "pods"}}}}}}})},
  };
  for (const auto& row : table) {
    LimitBook book({});
    const limits::LimitId id = book.update({a_limit("first")}, {}).added[0]->id();
    const LimitChange change = book.update({row.next}, {});
    EXPECT_EQ(change.dropped, std::vector{id}) << row.what;
    ASSERT_EQ(change.added.size(), 1u) << row.what;
    EXPECT_GT(change.added[0]->id(), id) << row.what;
  }
}

TEST(LimitBook, picks_namespaces_by_their_labels_now_and_never_the_excluded_ones) {
  LimitBook book({"kube-system"});
  const auto limit =
      a_cluster_limit("gold", {{"match", {{"namespaceSelector", {{"matchLabels", {{"tier", "gold"}}}}}}}});
  Namespaces namespaces{a_namespace("shop", "gold"), a_namespace("kube-system", "gold"), a_namespace("play", "tin")};
  const LimitChange change = book.update({limit}, namespaces);
  ASSERT_EQ(change.added.size(), 1u);
  EXPECT_TRUE(change.added[0]->covers_namespace("shop"));
  EXPECT_FALSE(change.added[0]->covers_namespace("kube-system"));
  EXPECT_FALSE(change.added[0]->covers_namespace("play"));
  namespaces[2] = a_namespace("play", "gold");
  const LimitChange more = book.update({limit}, namespaces);
  ASSERT_EQ(more.added.size(), 1u) << "what it counts has changed";
  EXPECT_TRUE(more.added[0]->covers_namespace("play"));
  EXPECT_EQ(more.dropped, std::vector{change.added[0]->id()});
  EXPECT_TRUE(book.update({limit}, namespaces).added.empty());
}

TEST(LimitBook, says_which_types_are_to_be_watched_and_whether_with_bodies) {
  LimitBook book({});
  const LimitChange counted = book.update({a_limit("first")}, {});
  ASSERT_EQ(counted.types.size(), 1u);
  EXPECT_EQ(counted.types[0].type.to_string(), "artifacts.example.com");
  EXPECT_FALSE(counted.types[0].bodies);
  const LimitChange summed = book.update({a_limit("first"), a_limit("second", kSum, "u-2")}, {});
  ASSERT_EQ(summed.types.size(), 1u);
  EXPECT_TRUE(summed.types[0].bodies);
  EXPECT_EQ(summed.types[0].id, counted.types[0].id);
  const LimitChange capped =
      book.update({a_limit("third", {{"total", nullptr}, {"object", {{"maxBytes", 1000}}}}, "u-3")}, {});
  EXPECT_TRUE(capped.types.empty());
}

TEST(LimitBook, numbers_a_limits_flow_by_its_uid_whatever_it_counts) {
  LimitBook book({});
  const nlohmann::json rate = {{"rate", {{"writesPerSecond", 5}}}};
  nlohmann::json more = rate;
  more.merge_patch(kSum);
  const LimitPtr first = book.update({a_limit("first", rate)}, {}).added.at(0);
  ASSERT_TRUE(first->flow());
  EXPECT_NE(*first->flow(), first->id());
  const LimitChange counts = book.update({a_limit("first", more, "u-1", 2)}, {});
  ASSERT_EQ(counts.added.size(), 1u);
  EXPECT_NE(counts.added[0]->id(), first->id());
  EXPECT_EQ(counts.added[0]->flow(), first->flow());
  EXPECT_TRUE(counts.dropped_flows.empty());
  const LimitChange anew = book.update({a_limit("first", more, "u-other")}, {});
  EXPECT_EQ(anew.dropped_flows, std::vector{*first->flow()});
  EXPECT_NE(anew.added.at(0)->flow(), first->flow());
  const LimitChange none = book.update({a_limit("first", kSum, "u-other", 2)}, {});
  EXPECT_EQ(none.dropped_flows, std::vector{*anew.added[0]->flow()});
  EXPECT_FALSE(none.limits->limits().at(0)->flow());
}

TEST(LimitBook, tells_of_a_limit_whose_scaled_field_has_become_known) {
  const nlohmann::json resource = {
      {"group", "example.com"}, {"version", "v1"}, {"resource", "stages"}, {"subresources", {"scale"}}};
  const auto limit = a_limit("first", {{"match", {{"resources", nlohmann::json::array({resource})}}}});
  LimitBook book({});
  const LimitPtr before = book.update({limit}, {}).added.at(0);
  const limits::ScaledFields known{{{"example.com", "v1", "stages"}, api::JsonPath::parse(".spec.n").value()}};
  const LimitChange change = book.update({limit}, {}, known);
  ASSERT_EQ(change.altered.size(), 1u);
  EXPECT_EQ(change.altered[0]->id(), before->id()) << "what it counts is the same";
  EXPECT_EQ(change.altered[0]->scaled_fields().at(0).path()->text(), ".spec.n");
  EXPECT_EQ(change.relisted, std::vector{before->id()}) << "but not what is kept of objects that it does not select";
  const LimitChange same = book.update({limit}, {}, known);
  EXPECT_TRUE(same.altered.empty() && same.relisted.empty());
}

TEST(LimitBook, lists_anew_what_a_limit_keeps_once_it_looks_at_scales) {
  nlohmann::json resource = {{"group", "apps"}, {"version", "v1"}, {"resource", "deployments"}};
  const auto limit = [&](int generation) {
    return a_limit("first", {{"match", {{"resources", nlohmann::json::array({resource})}}}}, "u-1", generation);
  };
  LimitBook book({});
  const limits::LimitId id = book.update({limit(1)}, {}).added.at(0)->id();
  EXPECT_TRUE(book.update({limit(2)}, {}).relisted.empty());
  resource["subresources"] = {"scale"};
  const LimitChange change = book.update({limit(3)}, {});
  EXPECT_EQ(change.relisted, std::vector{id});
  EXPECT_EQ(change.altered.size(), 1u);
}

TEST(LimitBook, tells_values_apart_that_read_alike) {
  const auto with_values = [](nlohmann::json values) {
    return a_limit("first",
                   {{"match", {{"fieldSelector", {{{"path", ".spec.x"}, {"operator", "In"}, {"values", values}}}}}}});
  };
  LimitBook book({});
  (void)book.update({with_values({"a,b"})}, {});
  EXPECT_EQ(book.update({with_values({"a", "b"})}, {}).added.size(), 1u);
}

}  // namespace
}  // namespace headroom::webhook
