// Which change the Secret of self-managed certificates needs next.
#include "operator/certificates/self_managed.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "tests/certificates/paper_mint.h"

namespace headroom::certificates {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

class SelfManagedCertificates : public ::testing::Test {
 protected:
  /// "a1 (a2) l1": current, next, leaf; "-" where nothing changes.
  std::string next(absl::Duration after, bool next_is_known = false) {
    circumstances_.now = kStart + after;
    circumstances_.next_is_known = next_is_known;
    const auto change = next_change(stored_, circumstances_, mint_);
    if (!change) return "-";
    stored_ = change->content;
    what_ = change->what;
    return absl::StrCat(stored_->current.authority.id,
                        stored_->next ? absl::StrCat(" (", stored_->next->authority.id, ")") : "", " ",
                        stored_->leaf.id);
  }

  Lifetimes lifetimes_{300 * kDay, 90 * kDay};
  PaperMint mint_{lifetimes_};
  Circumstances circumstances_{kStart, {"webhook.test"}, 0, false, {}};
  std::optional<SelfManaged> stored_;
  std::string what_;
};

TEST_F(SelfManagedCertificates, go_through_their_lives_in_this_order) {
  struct Row {
    absl::Duration after;
    bool next_is_known;
    const char* stored;
  };
  const Row rows[] = {
      {absl::ZeroDuration(), false, "a1 l1"},
      {absl::Seconds(1), false, "-"},
      {60 * kDay - absl::Seconds(1), false, "-"},
      {60 * kDay, false, "a1 l2"},
      {61 * kDay, false, "-"},
      {120 * kDay, false, "a1 l3"},
      {180 * kDay, false, "a1 l4"},
      {200 * kDay - absl::Seconds(1), false, "-"},
      {200 * kDay, false, "a1 (a2) l4"},
      {201 * kDay, false, "-"},
      {202 * kDay, true, "a2 l5"},
      {203 * kDay, true, "-"},
      {262 * kDay, false, "a2 l6"},
  };
  for (const Row& row : rows) EXPECT_EQ(next(row.after, row.next_is_known), row.stored) << row.after;
}

TEST_F(SelfManagedCertificates, are_renewed_a_little_later_by_replicas_with_more_jitter) {
  ASSERT_EQ(next(absl::ZeroDuration()), "a1 l1");
  circumstances_.jitter = 0.99;
  EXPECT_EQ(next(64 * kDay), "-");
  EXPECT_EQ(next(65 * kDay), "a1 l2");
}

TEST_F(SelfManagedCertificates, that_expired_while_nobody_ran_are_replaced_at_once) {
  ASSERT_EQ(next(absl::ZeroDuration()), "a1 l1");
  EXPECT_EQ(next(90 * kDay), "a1 l2") << "the leaf alone";
  EXPECT_EQ(next(300 * kDay), "a2 l3") << "the authority, too";
  ASSERT_EQ(next(500 * kDay), "a2 l4");
  ASSERT_EQ(next(500 * kDay), "a2 (a3) l4");
  EXPECT_EQ(next(600 * kDay), "a3 l5") << "the next authority is there already";
}

TEST_F(SelfManagedCertificates, never_outlive_their_authority_and_are_not_renewed_for_nothing_then) {
  ASSERT_EQ(next(absl::ZeroDuration()), "a1 l1");
  ASSERT_EQ(next(89 * kDay), "a1 l2");
  ASSERT_EQ(next(178 * kDay), "a1 l3");
  ASSERT_EQ(next(260 * kDay), "a1 l4");
  EXPECT_EQ(stored_->leaf.not_after, stored_->current.authority.not_after);
  ASSERT_EQ(next(260 * kDay), "a1 (a2) l4");
  EXPECT_EQ(next(290 * kDay), "-") << "another leaf would end at the same time";
}

TEST_F(SelfManagedCertificates, are_for_all_names_that_replicas_are_called_by_and_forget_the_others_with_time) {
  ASSERT_EQ(next(absl::ZeroDuration()), "a1 l1");
  circumstances_.names = {"other.test"};
  EXPECT_EQ(next(kDay), "a1 l2");
  EXPECT_EQ(stored_->leaf.names, (std::set<std::string>{"other.test", "webhook.test"}));
  circumstances_.names = {"webhook.test"};
  EXPECT_EQ(next(kDay), "-") << "replicas with different flags do not replace each other's for ever";
  EXPECT_EQ(next(62 * kDay), "a1 l3");
  EXPECT_EQ(stored_->leaf.names, circumstances_.names);
}

TEST_F(SelfManagedCertificates, get_a_new_authority_when_somebody_asks_and_only_once) {
  ASSERT_EQ(next(absl::ZeroDuration()), "a1 l1");
  stored_->rotation_asked = "leaked";
  EXPECT_EQ(next(kDay), "a1 (a2) l1");
  EXPECT_EQ(next(kDay), "-");
  EXPECT_EQ(next(kDay, true), "a2 l2");
  EXPECT_EQ(next(kDay, true), "-");
  stored_->rotation_asked = "again";
  EXPECT_EQ(next(2 * kDay), "a2 (a3) l2");
}

TEST_F(SelfManagedCertificates, come_back_as_they_were_when_somebody_deletes_them) {
  ASSERT_EQ(next(absl::ZeroDuration()), "a1 l1");
  circumstances_.remembered = stored_;
  stored_.reset();
  EXPECT_EQ(next(kDay), "a1 l1");
}

}  // namespace
}  // namespace headroom::certificates
