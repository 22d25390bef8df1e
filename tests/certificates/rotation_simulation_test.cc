// A whole cluster of replicas and API servers over one Secret and one configuration, at random: whoever takes calls can
// be verified by every API server, at every moment.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "operator/certificates/announcement.h"
#include "operator/certificates/self_managed.h"
#include "operator/certificates/trust.h"
#include "tests/certificates/paper_mint.h"

namespace headroom::certificates {
namespace {

constexpr int kReplicas = 3, kApiServers = 3;
constexpr absl::Duration kLeaseLife = absl::Seconds(15), kRenewal = absl::Seconds(5);

struct Stored {
  absl::Time at;
  bool asks = false;
  std::vector<Authority> bundle;
};

/// One look is five moments, between which anything may happen: it reads the configuration, then the source, writes the
/// Secret, serves, and writes the configuration, each write against what it has read.
enum class Moment { Rests, ReadConfiguration, ReadSecret, WroteSecret, Served };

struct Replica {
  bool alive = false;
  Moment moment = Moment::Rests;
  TrustState state;
  std::optional<SelfManaged> remembered, read;
  int read_version = 0;
  std::size_t read_configuration = 0;
  TrustStep result;
  absl::Time lease_began, lease_renewed, secret_read;
  std::string lease;  ///< announced
  double jitter = 0;
  /// It began to take calls where nobody else did, and so without a wait.
  absl::Time excused_until;
};

class Rotation : public ::testing::TestWithParam<int> {
 protected:
  static constexpr Lifetimes kLives{absl::Hours(3), absl::Hours(1)};

  double chance() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  int any(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  bool lease_lives(const Replica& one) const { return one.lease_renewed + kLeaseLife > now_; }
  bool ready(const Replica& one) const {
    return one.alive && lease_lives(one) && one.state.settled && one.secret_read >= one.lease_began;
  }

  std::vector<OtherReplica> others_of(const Replica& self) const {
    std::vector<OtherReplica> others;
    for (const Replica& one : replicas_) {
      if (&one != &self && lease_lives(one)) others.push_back(read_announcement(one.lease));
    }
    return others;
  }

  void begin(Replica& one) {
    const absl::Time renewed = one.lease_renewed;
    const std::string lease = one.lease;
    one = Replica{};
    one.lease_renewed = renewed;
    one.lease = lease;
    one.alive = true;
    one.jitter = chance();
    one.lease_began = absl::InfiniteFuture();
    one.secret_read = one.excused_until = absl::InfinitePast();
  }

  void renew(Replica& one) {
    if (!one.alive || !one.state.serving) return;
    if (one.lease_began == absl::InfiniteFuture() || !lease_lives(one)) one.lease_began = now_;
    if (one.lease_began != now_ && one.lease_renewed + kRenewal > now_) return;
    one.lease_renewed = now_;
    std::optional<Offer> offer;
    if (one.remembered) offer = offer_of(*one.remembered);
    one.lease = announcement(announced(one.state, offer));
  }

  TrustInputs inputs_of(const Replica& one) const {
    TrustInputs inputs;
    inputs.now = now_;
    inputs.boot = now_ - kStart;
    if (one.remembered) inputs.offer = offer_of(*one.remembered);
    const Stored& configuration = configurations_[one.read_configuration];
    inputs.configuration = Carried{configuration.asks, configuration.bundle, {}};
    for (const Authority& authority : configuration.bundle) inputs.configuration->by_all.insert(authority.id);
    inputs.others = others_of(one);
    return inputs;
  }

  void go_on(Replica& one) {
    if (!one.alive) return;
    switch (one.moment) {
      case Moment::Rests:
        one.read_configuration = configurations_.size() - 1;
        one.moment = Moment::ReadConfiguration;
        return;
      case Moment::ReadConfiguration:
        one.read = secret_;
        one.read_version = secret_version_;
        one.secret_read = now_;
        if (secret_) one.remembered = secret_;
        one.moment = Moment::ReadSecret;
        return;
      case Moment::ReadSecret: {
        Circumstances circumstances{now_, {"webhook.test"}, one.jitter, false, one.remembered};
        circumstances.next_is_known =
            one.read && one.read->next &&
            known_everywhere(one.state, one.read->next->authority.id, now_ - kStart, options_);
        const auto change = next_change(one.read, circumstances, mint_);
        if (change && one.read_version == secret_version_) {
          if (secret_ && change->content.current != secret_->current) ++rotations_;
          secret_ = change->content;
          ++secret_version_;
          one.remembered = secret_;
          history_.push_back(change->content);
        }
        one.moment = Moment::WroteSecret;
        return;
      }
      case Moment::WroteSecret: {
        const bool was_ready = ready(one);
        one.result = step(one.state, inputs_of(one), options_);
        one.state = one.result.state;
        if (!was_ready && ready(one)) excuse(one);
        one.moment = Moment::Served;
        return;
      }
      case Moment::Served:
        one.moment = Moment::Rests;
        if (!one.result.bundle || one.read_configuration != configurations_.size() - 1) return;
        if (one.result.apply || (asked_ && !configurations_.back().asks)) {
          configurations_.push_back({now_, asked_, *one.result.bundle});
        }
        return;
    }
  }

  void excuse(Replica& one) {
    for (const Replica& other : replicas_) {
      if (&other != &one && ready(other) && now_ >= other.excused_until) return;
    }
    one.excused_until = now_ + options_.propagation + absl::Seconds(60);
  }

  /// Each API server follows the configuration, at least within the propagation time.
  void follow() {
    for (std::size_t& view : views_) {
      while (view + 1 < configurations_.size() &&
             (configurations_[view + 1].at + options_.propagation <= now_ || chance() < 0.05)) {
        ++view;
      }
    }
  }

  void check() {
    for (int i = 0; i < kReplicas; ++i) {
      const Replica& one = replicas_[i];
      if (!ready(one)) continue;
      ++checks_;
      if (now_ < one.excused_until) {
        ++excused_;
        continue;
      }
      const Offer& serving = *one.state.serving;
      ASSERT_LT(now_, serving.leaf.not_after) << "replica " << i << " serves an expired " << serving.leaf.id;
      for (int k = 0; k < kApiServers; ++k) {
        const Stored& view = configurations_[views_[k]];
        if (!view.asks) continue;
        bool verified = false;
        for (const Authority& authority : view.bundle) {
          verified = verified || (serving.anchors.contains(authority.id) && now_ < authority.not_after);
        }
        ASSERT_TRUE(verified) << "at " << now_ - kStart << " API server " << k << " cannot verify replica " << i
                              << ", which serves " << serving.leaf.id << " by " << *serving.anchors.begin();
      }
    }
  }

  void misfortune() {
    const double what = chance();
    Replica& one = replicas_[any(kReplicas)];
    if (what < 0.5) {
      one.alive = false;
    } else if (what < 0.65) {
      secret_.reset();
      ++secret_version_;
    } else if (what < 0.8 && !history_.empty()) {
      secret_ = history_[history_.size() - 1 - static_cast<std::size_t>(any(std::min<int>(4, int(history_.size()))))];
      ++secret_version_;
    } else if (secret_) {
      secret_->rotation_asked = absl::StrCat(secret_version_);
      ++secret_version_;
    }
  }

  std::mt19937 random_{static_cast<unsigned>(GetParam())};
  const TrustOptions options_{absl::Seconds(30), kLeaseLife, true, true};
  PaperMint mint_{kLives};
  absl::Time now_ = kStart;
  std::optional<SelfManaged> secret_;
  int secret_version_ = 0, rotations_ = 0, checks_ = 0, excused_ = 0;
  std::vector<SelfManaged> history_;
  std::vector<Stored> configurations_{{kStart, false, {}}};
  bool asked_ = false;
  std::vector<std::size_t> views_ = std::vector<std::size_t>(kApiServers, 0);
  std::vector<Replica> replicas_ = std::vector<Replica>(kReplicas);
};

TEST_P(Rotation, never_shows_an_api_server_what_it_cannot_verify) {
  for (Replica& one : replicas_) {
    begin(one);
    one.lease_renewed = absl::InfinitePast();
  }
  for (int second = 0; second < 6000; ++second) {
    now_ += absl::Seconds(1);
    asked_ = second > 50;
    for (Replica& one : replicas_) {
      if (!one.alive && chance() < 0.02) begin(one);
      for (int moves = any(4); moves > 0; --moves) go_on(one);
      renew(one);
    }
    if (chance() < 0.006) misfortune();
    follow();
    ASSERT_NO_FATAL_FAILURE(check()) << "seed " << GetParam();
  }
  EXPECT_GT(rotations_, 2);
  EXPECT_GT(checks_, 8000);
  EXPECT_LT(excused_, checks_ / 10) << "too much was not checked";
  EXPECT_LE(configurations_.back().bundle.size(), 3u) << "authorities pile up";
}

INSTANTIATE_TEST_SUITE_P(Seeds, Rotation, ::testing::Range(0, 8));

}  // namespace
}  // namespace headroom::certificates
