// The Secret of self-managed certificates.
#include "operator/certificates/certificate_secret.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/certificates/issue.h"

namespace headroom::certificates {
namespace {

using nlohmann::json;

class CertificateSecret : public ::testing::Test {
 protected:
  SelfManaged content() {
    SelfManaged made;
    made.current = mint_.authority(now_);
    made.next = mint_.authority(now_);
    made.leaf = mint_.leaf(made.current, {"webhook.test"}, now_);
    made.rotation_asked = "2";
    made.rotation_done = "1";
    return made;
  }
  static json stored(const SelfManaged& content) { return secret_of(content, "headroom-system", "certs"); }

  const absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  OpenSslMint mint_{Lifetimes()};
};

TEST_F(CertificateSecret, holds_all_that_was_put_into_it) {
  SelfManaged made = content();
  const auto read = self_managed_from_secret(stored(made));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value(), made);
  made.next.reset();
  made.rotation_done = made.rotation_asked;
  EXPECT_EQ(self_managed_from_secret(stored(made)).value(), made);
}

TEST_F(CertificateSecret, is_changed_against_one_version_and_keeps_what_others_wrote_on_it) {
  json there = stored(content());
  there["metadata"]["annotations"]["team"] = "shop";
  SelfManaged changed = content();
  changed.next.reset();
  changed.rotation_done = "2";
  const json patch = secret_patch(changed, "7");
  EXPECT_EQ(patch["metadata"]["resourceVersion"], "7");
  there.merge_patch(patch);
  EXPECT_EQ(self_managed_from_secret(there).value(), changed);
  EXPECT_EQ(there["metadata"]["annotations"]["team"], "shop");
  EXPECT_FALSE(there["data"].contains("next-ca.key")) << "keys of authorities that are in use are in one place";
}

TEST_F(CertificateSecret, that_is_damaged_or_foreign_is_named_with_the_reason_and_the_remedy) {
  const SelfManaged one = content(), other = content();
  const std::string garbage = absl::Base64Escape("garbage");
  struct Row {
    const char* path;
    json value;
    const char* problem;
  };
  const Row rows[] = {
      {"/metadata/labels", json::object(), "it lacks the label headroom.dev/component: webhook-certificates"},
      {"/metadata/labels/headroom.dev~1component", "other", "and so is somebody else's"},
      {"/data", json::object(), "data.ca.crt is missing, or not base64"},
      {"/data", "text", "data.ca.crt is missing, or not base64"},
      {"/data/tls.key", "%", "data.tls.key is missing, or not base64"},
      {"/data/tls.crt", garbage, "data.tls.crt and data.tls.key: there is no certificate in PEM in it"},
      {"/data/tls.key", absl::Base64Escape(other.leaf.pair.key_pem), "the private key is not the certificate's"},
      {"/data/next-ca.key", garbage, "data.next-ca.crt and data.next-ca.key: there is no unencrypted private key"},
      {"/data/ca.key", absl::Base64Escape(other.current.key_pem), "the private key is not the certificate's"},
  };
  for (const Row& row : rows) {
    json secret = stored(one);
    secret[json::json_pointer(row.path)] = row.value;
    const auto read = self_managed_from_secret(secret);
    ASSERT_FALSE(read) << row.path;
    EXPECT_TRUE(absl::StartsWith(read.error().message, "Secret headroom-system/certs cannot be used")) << row.path;
    EXPECT_TRUE(absl::StrContains(read.error().message, row.problem)) << read.error().message;
    EXPECT_TRUE(absl::StrContains(read.error().message, "delete it")) << read.error().message;
  }
  json mixed = stored(one);
  mixed["data"]["ca.crt"] = stored(other)["data"]["ca.crt"];
  mixed["data"]["ca.key"] = stored(other)["data"]["ca.key"];
  const auto read = self_managed_from_secret(mixed);
  ASSERT_FALSE(read);
  EXPECT_TRUE(absl::StrContains(read.error().message, "data.tls.crt is not a server's certificate by data.ca.crt"));
}

}  // namespace
}  // namespace headroom::certificates
