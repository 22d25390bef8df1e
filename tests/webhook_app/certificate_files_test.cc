// Certificates in files that somebody else replaces.
#include "webhook/app/certificate_files.h"

#include <absl/strings/match.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/kube/temporary_folder.h"
#include "tests/kube/test_authority.h"

namespace headroom::webhook {
namespace {

class CertificateInFiles : public ::testing::Test {
 protected:
  void write(const testing::CertificatePair& pair, const std::string& authorities) {
    folder_.swap({{"tls.crt", pair.certificate_pem}, {"tls.key", pair.key_pem}, {"ca.crt", authorities}});
  }
  CertificateSource::Reading read() { return files_.read({}, absl::ZeroDuration(), {}); }
  std::string problem() {
    const auto reading = read();
    return reading.offer ? "" : reading.offer.error().message;
  }

  const testing::TestAuthority one_{"one"}, other_{"other"};
  const testing::CertificatePair pair_ = one_.issue({});
  testing::TemporaryFolder folder_;
  CertificateFiles files_{certificate_directory(folder_.path())};
};

TEST_F(CertificateInFiles, are_offered_with_the_authorities_that_verify_them) {
  write(pair_, one_.pem() + other_.pem());
  const auto reading = read();
  ASSERT_TRUE(reading.offer) << reading.offer.error().message;
  EXPECT_EQ(reading.offer.value().leaf.pair.certificate_pem, pair_.certificate_pem);
  EXPECT_EQ(reading.offer.value().trusted.size(), 2u);
  EXPECT_EQ(reading.offer.value().anchors.size(), 1u);
  EXPECT_EQ(read().version, reading.version);
}

TEST_F(CertificateInFiles, may_come_without_authorities_where_the_issuer_writes_none) {
  write(pair_, "");
  std::filesystem::remove(folder_.path("ca.crt"));
  EXPECT_TRUE(read().offer);
  CertificatePaths given = certificate_directory(folder_.path());
  given.authorities_optional = false;
  const auto reading = CertificateFiles(given).read({}, absl::ZeroDuration(), {});
  ASSERT_FALSE(reading.offer);
  EXPECT_TRUE(absl::StrContains(reading.offer.error().message, "ca.crt"));
}

TEST_F(CertificateInFiles, are_followed_through_the_symbolic_link_that_a_kubelet_swaps) {
  const testing::CertificatePair renewed = one_.issue({});
  write(pair_, one_.pem());
  EXPECT_EQ(read().offer.value().leaf.pair.certificate_pem, pair_.certificate_pem);
  write(renewed, one_.pem());
  EXPECT_EQ(read().offer.value().leaf.pair.certificate_pem, renewed.certificate_pem);
}

TEST_F(CertificateInFiles, that_cannot_be_used_are_named_with_the_reason) {
  const testing::CertificatePair another = one_.issue({}), foreign = other_.issue({}),
                                 client = one_.issue({.client = true});
  struct Row {
    testing::CertificatePair pair;
    std::string authorities;
    const char* problem;
  };
  const Row rows[] = {
      {{pair_.certificate_pem, another.key_pem}, one_.pem(), "tls.key: the private key is not the certificate's"},
      {{pair_.certificate_pem.substr(0, 200), pair_.key_pem}, one_.pem(), "there is no certificate in PEM in it"},
      {{"", ""}, one_.pem(), "there is no certificate in PEM in it"},
      {pair_, "garbage", "ca.crt: there is no certificate in PEM in it"},
      {foreign, one_.pem(), "tls.crt is not a server's certificate by any authority of"},
      {client, one_.pem(), "tls.crt is not a server's certificate by any authority of"},
  };
  std::string version;
  for (const Row& row : rows) {
    write(row.pair, row.authorities);
    EXPECT_TRUE(absl::StrContains(problem(), row.problem)) << row.problem << "\n" << problem();
    EXPECT_FALSE(absl::StrContains(problem(), "PRIVATE"));
    EXPECT_NE(read().version, version) << "another failure is news";
    version = read().version;
  }
}

}  // namespace
}  // namespace headroom::webhook
