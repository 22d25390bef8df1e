// Certificates made and read with OpenSSL.
#include "operator/certificates/x509.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "operator/certificates/issue.h"

namespace headroom::certificates {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class MintedCertificates : public ::testing::Test {
 protected:
  const Lifetimes lifetimes_;
  OpenSslMint mint_{lifetimes_};
  const std::set<std::string> names_{"headroom-webhook.headroom-system.svc", "127.0.0.1", "::1"};
  const SigningAuthority one_ = mint_.authority(kNow), other_ = mint_.authority(kNow + absl::Seconds(1));
};

TEST_F(MintedCertificates, say_what_was_asked_for) {
  const Leaf leaf = mint_.leaf(one_, names_, kNow);
  EXPECT_EQ(leaf.names, names_);
  EXPECT_EQ(leaf.not_before, kNow - kBackdated);
  EXPECT_EQ(leaf.not_after, kNow + lifetimes_.leaf);
  EXPECT_EQ(one_.authority.not_before, kNow - kBackdated);
  EXPECT_EQ(one_.authority.not_after, kNow + lifetimes_.authority);
  EXPECT_EQ(mint_.leaf(one_, names_, one_.authority.not_after - absl::Seconds(5)).not_after, one_.authority.not_after);
  EXPECT_NE(one_.authority.id, other_.authority.id);
}

TEST_F(MintedCertificates, are_verified_by_their_own_authority_alone) {
  const Leaf leaf = mint_.leaf(one_, names_, kNow);
  const AuthorityIds anchors = anchors_of(leaf.pair, {one_.authority, other_.authority});
  EXPECT_EQ(anchors, AuthorityIds{one_.authority.id});
  EXPECT_TRUE(anchors_of({one_.authority.pem, one_.key_pem}, {other_.authority}).empty());
}

TEST_F(MintedCertificates, have_keys_on_the_p256_curve) {
  EXPECT_EQ(EVP_PKEY_get_bits(parse_key(mint_.leaf(one_, names_, kNow).pair.key_pem).value().get()), 256);
  EXPECT_EQ(EVP_PKEY_get_bits(parse_key(one_.key_pem).value().get()), 256);
}

TEST_F(MintedCertificates, in_one_text_are_each_read_once) {
  const auto authorities =
      read_authorities(absl::StrCat("comment\n", one_.authority.pem, other_.authority.pem, one_.authority.pem));
  ASSERT_TRUE(authorities);
  ASSERT_EQ(authorities.value().size(), 2u);
  EXPECT_EQ(authorities.value()[0], one_.authority);
  EXPECT_EQ(authorities.value()[1], other_.authority);
}

TEST_F(MintedCertificates, that_are_damaged_are_refused_without_showing_what_is_in_them) {
  const Leaf leaf = mint_.leaf(one_, names_, kNow), another = mint_.leaf(one_, names_, kNow);
  const std::string& certificate = leaf.pair.certificate_pem;
  const std::string& key = leaf.pair.key_pem;
  struct Row {
    Pair pair;
    const char* problem;
  };
  const Row rows[] = {
      {{"", key}, "there is no certificate in PEM in it"},
      {{"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key}, "there is no certificate in PEM in it"},
      {{certificate.substr(0, certificate.size() / 2), key}, "there is no certificate in PEM in it"},
      {{certificate + certificate.substr(0, certificate.size() / 2), key}, "certificate 2 in it is damaged"},
      {{certificate, ""}, "there is no unencrypted private key in PEM in it"},
      {{certificate, key.substr(0, key.size() / 2)}, "there is no unencrypted private key in PEM in it"},
      {{certificate, another.pair.key_pem}, "the private key is not the certificate's"},
  };
  for (const Row& row : rows) {
    const auto read = read_leaf(row.pair);
    ASSERT_FALSE(read) << row.problem;
    EXPECT_EQ(read.error().message, row.problem);
  }
  const auto no_authority = read_signing_authority(leaf.pair);
  ASSERT_FALSE(no_authority);
  EXPECT_EQ(no_authority.error().message, "the certificate is not an authority's");
}

TEST_F(MintedCertificates, are_limited_in_a_bundle) {
  std::string bundle;
  for (std::size_t i = 0; i <= kMostAuthorities; ++i) bundle += mint_.authority(kNow).authority.pem;
  const auto read = read_authorities(bundle);
  ASSERT_FALSE(read);
  EXPECT_TRUE(absl::StrContains(read.error().message, "it holds 17 authorities, at most 16 are taken"));
  EXPECT_TRUE(read_authorities(bundle, 100));
}

}  // namespace
}  // namespace headroom::certificates
