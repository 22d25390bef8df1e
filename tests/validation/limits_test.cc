#include "operator/validation/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/validation/objects.h"

namespace headroom::validation {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

json count(int most) { return {{"total", {{"count", most}}}}; }
json with(json spec, const json& more) {
  spec.merge_patch(more);
  return spec;
}
json of_version(const char* version) {
  return {{"match", {{"resources", {{{"group", "example.com"}, {"version", version}, {"resource", "artifacts"}}}}}}};
}
std::vector<std::string> told(const api::ScaleLimit& limit, const Snapshot& others) {
  return texts(check(limit, nullptr, others));
}

TEST(LimitRules, another_version_of_a_limited_resource_is_refused_but_may_be_moved_to) {
  Snapshot others;
  others.limits = {a_limit("first", count(5)), a_limit("second", count(5))};
  const auto newer = a_limit("second", with(count(5), of_version("v2")));
  const char* const text =
      " spec.match.resources: artifacts.example.com v2 is v1 in ScaleLimit shop/first: writes are judged in one "
      "version; name one in all limits";
  EXPECT_THAT(told(*newer, others), ElementsAre(std::string("error") + text));
  EXPECT_THAT(texts(check(*newer, others.limits[1].get(), others)), ElementsAre(std::string("warning") + text));
  EXPECT_THAT(told(*a_limit("third", count(5)), others), IsEmpty());
  EXPECT_THAT(told(*a_cluster_limit("everywhere", with(count(5), of_version("v2"))), others),
              ElementsAre(HasSubstr("error spec.match.resources")))
      << "of either kind, in any namespace";

  const json both = {{"match",
                      {{"resources",
                        {{{"group", "example.com"}, {"version", "v1"}, {"resource", "artifacts"}},
                         {{"group", "example.com"}, {"version", "v2"}, {"resource", "artifacts"}}}}}}};
  EXPECT_EQ(other_version(*a_limit("both", with(count(5), both)), {}),
            "artifacts.example.com is named in v1 and in v2");
}

TEST(LimitRules, nobody_moves_to_another_version_than_the_limits_of_others) {
  Snapshot others;
  api::ScaleLimit elsewhere = *a_limit("first", count(5));
  elsewhere.meta.ns = "bank";
  others.limits = {std::make_shared<const api::ScaleLimit>(elsewhere), a_limit("second", count(5))};
  const auto newer = a_limit("second", with(count(5), of_version("v2")));
  EXPECT_THAT(texts(check(*newer, others.limits[1].get(), others)),
              ElementsAre(AllOf(HasSubstr("error spec.match.resources: artifacts.example.com v2 is v1 in ScaleLimit "
                                          "bank/first"),
                                HasSubstr("a ClusterScaleLimit can be the first to change"))));

  const auto everywhere = a_cluster_limit("everywhere", count(100));
  others.limits.push_back(everywhere);
  const auto moved = a_cluster_limit("everywhere", with(count(100), of_version("v2")));
  EXPECT_THAT(texts(check(*moved, everywhere.get(), others)),
              ElementsAre(HasSubstr("warning spec.match.resources: artifacts.example.com v2 is v1 in ScaleLimit")));
  others.limits.back() = moved;
  EXPECT_THAT(texts(check(*newer, others.limits[1].get(), others)), IsEmpty()) << "the others follow";
  const LeadingLimits leading = leading_limits(others.limits);
  EXPECT_EQ(other_version(*moved, leading), "");
  EXPECT_EQ(other_version(elsewhere, leading), "artifacts.example.com v1 is v2 in ClusterScaleLimit everywhere");
}

TEST(LimitRules, nobodys_oldest_limit_leads_the_writes_of_others_to_a_version_that_is_not_theirs) {
  Snapshot others;
  api::ScaleLimit elsewhere = *a_limit("last", count(5));
  elsewhere.meta.ns = "tenant";
  others.limits = {a_limit("first", count(5)), a_limit("second", count(5)),
                   std::make_shared<const api::ScaleLimit>(elsewhere)};
  const auto moved = a_limit("first", with(count(5), of_version("v9")));
  const auto refused =
      ElementsAre(HasSubstr("error spec.match.resources: artifacts.example.com v9 is v1 in ScaleLimit "
                            "tenant/last"));
  EXPECT_THAT(texts(check(*moved, others.limits[0].get(), others)), refused)
      << "though among the others one of its own namespace leads";

  const json gadgets = {{"group", "example.com"}, {"version", "v9"}, {"resource", "gadgets"}};
  const auto of_gadgets = [&](json resources) {
    return a_limit("first", with(count(5), {{"match", {{"resources", std::move(resources)}}}}));
  };
  others.limits[1] = a_limit("second", with(count(5), {{"match", {{"resources", {json(gadgets)}}}}}));
  json older = gadgets, artifacts = gadgets;
  older["version"] = "v1";
  artifacts["resource"] = "artifacts";
  const auto overlooked = of_gadgets({older});
  EXPECT_THAT(texts(check(*of_gadgets({older, artifacts}), overlooked.get(), others)),
              ElementsAre(HasSubstr("warning spec.match.resources: gadgets.example.com v1 is v9"),
                          HasSubstr("error spec.match.resources: artifacts.example.com v9 is v1")))
      << "nor by a resource that is added to a limit that is overlooked anyway";

  others.limits = {a_limit("first", count(5)), a_limit("second", with(count(5), of_version("v9")))};
  EXPECT_THAT(texts(check(elsewhere, nullptr, others)),
              ElementsAre(HasSubstr("warning spec.match.resources: artifacts.example.com v1 is v9 in ScaleLimit "
                                    "shop/second")))
      << "it would lead were the first one deleted";
}

TEST(LimitRules, a_bound_that_another_limit_keeps_from_being_reached_is_told_from_both_sides) {
  struct Row {
    const char* what;
    json low, high;
    const char* hidden;  ///< the field that is never reached; null: both count
  };
  const auto labelled = [](json spec, const char* value) {
    return with(std::move(spec), {{"match", {{"labelSelector", {{"matchLabels", {{"tier", value}}}}}}}});
  };
  const auto sum = [](const char* path, const char* hard) -> json {
    return {{"total", {{"sums", {{{"name", "size"}, {"path", path}, {"hard", hard}}}}}}};
  };
  const json cap = {{"object", {{"fields", {{{"name", "size"}, {"path", ".spec.size"}, {"max", "500M"}}}}}}};
  const Row table[] = {
      {"counts", count(5), count(6), "spec.total.count"},
      {"equal counts", count(5), count(5), nullptr},
      {"of a part only", labelled(count(5), "gold"), count(6), nullptr},
      {"of the whole", count(5), labelled(count(6), "gold"), "spec.total.count"},
      {"of two parts", labelled(count(5), "gold"), labelled(count(6), "tin"), nullptr},
      {"of one part", labelled(count(5), "gold"), labelled(count(6), "gold"), "spec.total.count"},
      {"sums of one field", sum(".spec.size", "1G"), sum(".spec.size", "2G"), "spec.total.sums[0].hard"},
      {"sums of two fields", sum(".spec.size", "1G"), sum(".spec.copies", "2G"), nullptr},
      {"a sum below a cap", sum(".spec.size", "400M"), cap, "spec.object.fields[0].max"},
      {"a sum above a cap", sum(".spec.size", "600M"), cap, nullptr},
      {"bytes", {{"object", {{"maxBytes", 100}}}}, {{"object", {{"maxBytes", 200}}}}, "spec.object.maxBytes"},
      {"replicas",
       {{"object", {{"replicas", {{"max", 5}}}}}},
       {{"object", {{"replicas", {{"max", 6}}}}}},
       "spec.object.replicas.max"},
      {"rates",
       {{"rate", {{"writesPerSecond", 5}}}},
       {{"rate", {{"writesPerSecond", 6}}}},
       "spec.rate.writesPerSecond"},
      {"concurrency", {{"concurrency", {{"max", 5}}}}, {{"concurrency", {{"max", 6}}}}, "spec.concurrency.max"},
      {"what only warns hides nothing", with(count(5), {{"mode", "Warn"}}), count(6), nullptr},
      {"what only warns is hidden", count(5), with(count(6), {{"mode", "Warn"}}), "spec.total.count"},
      {"writes that it does not see",
       with(count(5), {{"match",
                        {{"resources",
                          {{{"group", "example.com"},
                            {"version", "v1"},
                            {"resource", "artifacts"},
                            {"operations", {"CREATE"}}}}}}}}),
       count(6), nullptr},
  };
  for (const Row& row : table) {
    const auto low = a_limit("low", row.low), high = a_limit("high", row.high);
    Snapshot others;
    others.limits = {low, high};
    const auto of_low = told(*low, others), of_high = told(*high, others);
    if (row.hidden == nullptr) {
      EXPECT_THAT(of_low, IsEmpty()) << row.what;
      EXPECT_THAT(of_high, IsEmpty()) << row.what;
      continue;
    }
    ASSERT_EQ(of_low.size(), 1U) << row.what << testing::PrintToString(of_low);
    ASSERT_EQ(of_high.size(), 1U) << row.what << testing::PrintToString(of_high);
    EXPECT_THAT(of_high[0], HasSubstr(std::string("warning ") + row.hidden)) << row.what;
    EXPECT_THAT(of_high[0], HasSubstr("is never reached, because ScaleLimit shop/low allows")) << row.what;
    EXPECT_THAT(of_low[0], HasSubstr("of ScaleLimit shop/high (")) << row.what;
    EXPECT_THAT(of_low[0], HasSubstr(row.hidden)) << row.what;
  }
}

TEST(LimitRules, a_namespaces_share_of_a_cluster_wide_limit_is_fine_and_more_than_all_of_it_is_told) {
  Snapshot others;
  others.namespace_labels = {{"shop", {{"quota", "yes"}}}};
  const json of_quota = {{"match", {{"namespaceSelector", {{"matchLabels", {{"quota", "yes"}}}}}}}};
  others.limits = {a_cluster_limit("all", with(count(100), of_quota))};
  EXPECT_THAT(told(*a_limit("share", count(40)), others), IsEmpty());
  EXPECT_THAT(told(*a_limit("too-much", count(200)), others),
              ElementsAre("warning spec.total.count: 200 is never reached, because ClusterScaleLimit all allows 100 "
                          "(spec.total.count); lower this one or raise that"));
  others.namespace_labels["shop"].clear();
  EXPECT_THAT(told(*a_limit("elsewhere", count(200)), others), IsEmpty());
  EXPECT_THAT(told(*others.limits[0], others),
              ElementsAre(HasSubstr("warning spec.match.namespaceSelector: it selects no namespace")));
}

TEST(LimitRules, a_sum_below_what_one_object_may_have_is_told_of_one_limit_too) {
  const json spec = {{"object", {{"fields", {{{"name", "size"}, {"path", ".spec.size"}, {"max", "500M"}}}}}},
                     {"total", {{"sums", {{{"name", "all"}, {"path", ".spec['size']"}, {"hard", "400M"}}}}}}};
  EXPECT_THAT(told(*a_limit("odd", spec), {}),
              ElementsAre("warning spec.object.fields[0].max: 500M is never reached, because spec.total.sums[0].hard "
                          "allows 400M in all; lower this one or raise that"));
}

TEST(LimitRules, a_rule_that_refuses_everything_leaves_nothing_to_count) {
  Snapshot others;
  const json always = {{"deny", {{{"name", "closed"}, {"operations", {"CREATE"}}, {"message", "closed"}}}}};
  others.limits = {a_limit("closed", always)};
  EXPECT_THAT(told(*a_limit("counted", count(5)), others),
              ElementsAre(HasSubstr("warning spec.match: ScaleLimit shop/closed refuses every new object of these")));
  json switched = always;
  switched["deny"][0]["whileSwitch"] = {{"configMap", "surge"}, {"key", "k"}, {"value", "v"}};
  others.limits = {a_limit("closed", switched)};
  EXPECT_THAT(told(*a_limit("counted", count(5)), others), IsEmpty());
}

TEST(LimitRules, what_fails_without_a_webhook_fails_for_all_limits_of_the_resource) {
  Snapshot others;
  others.limits = {a_limit("strict", count(5)), a_limit("lenient", with(count(5), {{"unavailable", "Ignore"}}))};
  EXPECT_THAT(
      told(*others.limits[1], others),
      ElementsAre(HasSubstr("warning spec.unavailable: Ignore does not hold for artifacts.example.com: while no "
                            "webhook answers, ScaleLimit shop/strict has such writes fail")));
  EXPECT_THAT(told(*others.limits[0], others), ElementsAre(HasSubstr("although ScaleLimit shop/lenient says Ignore")));
}

TEST(LimitRules, an_excluded_namespace_is_told) {
  Snapshot others;
  others.excluded_namespaces = {"shop"};
  EXPECT_THAT(told(*a_limit("never", count(5)), others),
              ElementsAre(HasSubstr("warning metadata.namespace: writes in namespace shop are never held")));
}

TEST(LimitRules, only_whom_a_region_admits_may_ask_its_prometheus) {
  struct Row {
    const char* what;
    json region;  ///< null: there is none
    bool cluster;
    const char* refused;  ///< null: it may be asked
  };
  const json metrics = {{"metrics", {{"url", "http://prometheus:9090"}}}};
  const json closed = with(metrics, {{"allowedNamespaces", {{"from", "Same"}}}});
  const Row table[] = {
      {"no region", nullptr, false, "there is no Region mumbai"},
      {"no Prometheus", json::object(), false, "Region mumbai names no Prometheus; set spec.metrics"},
      {"open", metrics, false, nullptr},
      {"closed", closed, false, "Region mumbai admits only namespace headroom-system"},
      {"closed, but asked by an administrator", closed, true, nullptr},
  };
  const json spec = {{"observed", {{{"name", "used"}, {"query", "q"}, {"hard", 1}, {"region", "mumbai"}}}}};
  for (const Row& row : table) {
    Snapshot others;
    if (!row.region.is_null()) others.regions = {a_region("mumbai", row.region)};
    const auto limit = row.cluster ? a_cluster_limit("used", spec) : a_limit("used", spec);
    const std::string refusal = observation_refusal(*limit, limit->spec.observed[0], others);
    const auto warned = told(*limit, others);
    if (row.refused == nullptr) {
      EXPECT_EQ(refusal, "") << row.what;
      EXPECT_THAT(warned, IsEmpty()) << row.what;
    } else {
      EXPECT_THAT(refusal, HasSubstr(row.refused)) << row.what;
      EXPECT_THAT(warned, ElementsAre(HasSubstr("until when the dimension used has no figure"))) << row.what;
    }
  }
}

}  // namespace
}  // namespace headroom::validation
