#include "operator/cli/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/civil.h"

namespace headroom::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::ist;

absl::Time now() { return ist("2026-11-08 12:00"); }

StatusFacts::Lease a_lease(absl::Duration ago) { return {"headroom-operator", "one", now() - ago, absl::Seconds(15)}; }

StatusFacts all_well() {
  StatusFacts facts;
  facts.operator_lease = a_lease(absl::Seconds(2));
  facts.webhooks = {a_lease(absl::Seconds(1))};
  api::ScaleTarget target;
  target.meta.ns = "shop";
  target.meta.name = "web";
  api::set_condition(target.status.conditions, {"Ready", true, "AtOriginal", "", 1, now()});
  facts.targets = {target};
  facts.schedules.resize(1);
  facts.schedules[0].meta.name = "diwali";
  facts.limits.resize(1);
  facts.limits[0].meta.name = "few";
  facts.certificates = {{"authority", now() + absl::Hours(24 * 90)}};
  return facts;
}

TEST(StatusReport, is_fine_when_nothing_asks_for_attention) {
  const StatusReport report = judge_status(all_well(), now());
  EXPECT_EQ(report.verdict, Verdict::Fine);
  EXPECT_EQ(report.line, "fine: 1 targets, 1 schedules, 1 limits");
  EXPECT_THAT(report.concerns, IsEmpty());
}

struct Trouble {
  std::function<void(StatusFacts&)> make;
  const char* says;
};

TEST(StatusReport, tells_each_trouble_by_name) {
  const std::vector<Trouble> troubles = {
      {[](StatusFacts& facts) { facts.operator_lease.reset(); }, "no operator has ever led here"},
      {[](StatusFacts& facts) { facts.operator_lease = a_lease(absl::Minutes(10)); }, "has not been renewed for 10m"},
      {[](StatusFacts& facts) { facts.webhooks.clear(); }, "no webhook lives"},
      {[](StatusFacts& facts) { facts.limits[0].status.level = api::LimitLevel::Red; }, "few is"},
      {[](StatusFacts& facts) { facts.limits[0].status.halted = Boxed<api::WriteStop>(api::WriteStop{}); },
       "halts writes"},
      {[](StatusFacts& facts) {
         facts.schedules[0].status.at_risk = {{"web", "peak", "NodeCapacity", "needs 5 more"}};
       },
       "web at risk for peak: needs 5 more"},
      {[](StatusFacts& facts) {
         api::set_condition(facts.targets[0].status.conditions,
                            {"Contested", true, "ForeignEdit", "argocd writes 3", 1, now()});
       },
       "shop/web: contested: argocd writes 3"},
      {[](StatusFacts& facts) { facts.certificates[0].not_after = now() + absl::Hours(60); }, "ends in 2 days"},
      {[](StatusFacts& facts) { facts.certificates[0].not_after = now() - absl::Hours(1); }, "has ended"},
      {[](StatusFacts& facts) {
         facts.regions.resize(1);
         facts.regions[0].meta.name = "mumbai";
         api::set_condition(facts.regions[0].status.conditions, {"Reachable", false, "Timeout", "no answer", 1, now()});
       },
       "region mumbai: no answer"}};
  for (const Trouble& trouble : troubles) {
    StatusFacts facts = all_well();
    trouble.make(facts);
    const StatusReport report = judge_status(facts, now());
    EXPECT_EQ(report.verdict, Verdict::Attention) << trouble.says;
    EXPECT_THAT(report.concerns, ElementsAre(HasSubstr(trouble.says)));
    EXPECT_THAT(status_text(facts, report, now(), false), HasSubstr("attention: "));
    EXPECT_EQ(status_json(facts, report, now())["verdict"], "Attention");
  }
}

TEST(StatusReport, cannot_tell_what_could_not_be_read) {
  StatusFacts facts = all_well();
  facts.unread = {"scaletargets.headroom.dev: forbidden"};
  const StatusReport report = judge_status(facts, now());
  EXPECT_EQ(report.verdict, Verdict::CannotTell);
  EXPECT_THAT(report.line, HasSubstr("cannot tell: scaletargets"));
}

TEST(StatusReport, reads_leases_and_takes_one_without_holder_for_nobodys) {
  const StatusFacts::Lease lease = lease_of(
      {{"metadata", {{"name", "a"}}},
       {"spec",
        {{"holderIdentity", "one"}, {"leaseDurationSeconds", 15}, {"renewTime", "2026-11-08T06:29:50.000000Z"}}}});
  EXPECT_TRUE(lease.alive(now()));
  EXPECT_FALSE(lease.alive(now() + absl::Seconds(10)));
  EXPECT_FALSE(lease_of({{"metadata", {{"name", "a"}}},
                         {"spec", {{"leaseDurationSeconds", 15}, {"renewTime", "2026-11-08T06:29:50.000000Z"}}}})
                   .alive(now()));
}

TEST(FirstEndOf, is_empty_for_what_is_no_certificate) { EXPECT_FALSE(first_end_of("nothing here")); }

}  // namespace
}  // namespace headroom::cli
