#include "webhook/app/unlanded.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "tests/webhook_app/a_limit.h"
#include "webhook/app/requesters.h"

namespace headroom::webhook {
namespace {

constexpr limits::Amount kOne = Quantity::kNano;

UnlandedUnderLimit under(const std::string& uid, std::vector<UnlandedWrites> rows) {
  return {std::make_shared<const limits::CompiledLimit>(1, a_limit("files", {}, uid), std::vector<limits::TypeId>{1},
                                                        std::vector<std::string>(), std::vector<std::string>()),
          std::move(rows)};
}

TEST(Unlanded, counts_after_ten_seconds_or_half_of_a_short_deadline) {
  EXPECT_EQ(unlanded_after(absl::Seconds(64)), absl::Seconds(10));
  EXPECT_EQ(unlanded_after(absl::Seconds(12)), absl::Seconds(6));
}

TEST(Unlanded, is_added_up_by_user_with_the_busiest_first_and_the_rest_in_one_row) {
  const auto rows = by_user({{"ann", 1, {kOne}},
                             {"", 2, {2 * kOne}},
                             {"bob", 5, {kOne, 7 * kOne}},
                             {"ann", 2, {kOne}},
                             {"cyd", 2, {kOne}},
                             {"dan", 1, {kOne}}});
  const std::vector<UnlandedWrites> expected{
      {"bob", 5, {kOne, 7 * kOne}}, {"ann", 3, {2 * kOne}}, {"cyd", 2, {kOne}}, {"", 3, {3 * kOne}}};
  EXPECT_EQ(rows, expected);
  EXPECT_EQ(who(rows), "5 of bob, 3 of ann, 2 of cyd, 3 of others");
}

TEST(Unlanded, is_read_as_it_was_written) {
  const UnlandedReport report = UnlandedReport::of(
      {under("u-1", {{"a \"quoted\" né", 2, {kOne, kOne / 2}}, {"", 1, {kOne}}}), under("u-2", {{"b", 1, {0}}})});
  EXPECT_EQ(UnlandedReport::parse(report.text()), report) << report.text();
  EXPECT_EQ(UnlandedReport::of({}).text(), "");
  EXPECT_EQ(UnlandedReport::parse(""), UnlandedReport());
}

TEST(Unlanded, takes_nothing_from_what_is_not_of_its_form) {
  for (const char* text : {"[]", "{", "7", R"({"u":7})", R"({"u":[7,[],["a",1],["a","1",[]],["a",1,["x"]]]})",
                           R"({"u":[["a",-1,["1"]],["a",1,["-1"]],["a",1,[1]],[7,1,[]]]})"}) {
    const UnlandedReport report = UnlandedReport::parse(text);
    for (const auto& [uid, rows] : report.limits) EXPECT_EQ(who(rows), "") << text;
  }
}

TEST(Unlanded, of_too_many_limits_is_told_of_the_worst) {
  std::vector<UnlandedUnderLimit> limits;
  for (int i = 0; i < 500; ++i) {
    limits.push_back(under(absl::StrCat("u-", i), {{std::string(128, 'x'), i % 5 == 0 ? 9 : 1, {kOne}}}));
  }
  const UnlandedReport report = UnlandedReport::of(limits);
  EXPECT_EQ(report.limits.size(), 100u);
  EXPECT_LT(report.text().size(), 64u << 10);
  for (const auto& [uid, rows] : report.limits) EXPECT_EQ(rows[0].writes, 9) << uid;
}

TEST(Unlanded, of_all_replicas_is_one_list) {
  const auto limit = a_limit("files", {}, "u-1");
  const UnlandedReport first = UnlandedReport::of({under("u-1", {{"ann", 1, {kOne}}}), under("u-2", {{"eve", 9, {}}})});
  const UnlandedReport second = UnlandedReport::of({under("u-1", {{"bob", 2, {kOne}}, {"ann", 2, {kOne}}})});
  const std::vector<UnlandedWrites> expected{{"ann", 3, {2 * kOne}}, {"bob", 2, {kOne}}};
  EXPECT_EQ(unlanded_under(*limit, {first, second, {}}), expected);
}

TEST(Requesters, have_numbers_that_are_never_used_for_another) {
  Requesters requesters;
  const limits::Requester ann = requesters.number_of("ann"), bob = requesters.number_of("bob");
  EXPECT_NE(ann, bob);
  EXPECT_EQ(requesters.number_of("ann"), ann);
  EXPECT_EQ(requesters.name_of(bob), "bob");
  EXPECT_EQ(requesters.number_of(""), 0u);
  requesters.retain({bob});
  EXPECT_EQ(requesters.name_of(ann), "");
  EXPECT_GT(requesters.number_of("ann"), bob);
  EXPECT_EQ(requesters.number_of("bob"), bob);
}

TEST(Requesters, are_bounded_and_say_when_some_should_go) {
  Requesters requesters;
  for (int i = 0; i < 10'000; ++i) (void)requesters.number_of(absl::StrCat("user-", i));
  EXPECT_TRUE(requesters.crowded());
  EXPECT_EQ(requesters.number_of("one more"), 0u);
  requesters.retain({1, 2});
  EXPECT_FALSE(requesters.crowded());
  EXPECT_NE(requesters.number_of("one more"), 0u);
}

TEST(Requesters, with_long_names_are_cut_between_characters) {
  Requesters requesters;
  const std::string name = std::string(127, 'a') + "\xc3\xbc" + "rest";
  EXPECT_EQ(requesters.name_of(requesters.number_of(name)), std::string(127, 'a'));
}

}  // namespace
}  // namespace headroom::webhook
