// What leaves the company in a report.
#include "operator/cli/redaction.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <nlohmann/json.hpp>

#include "operator/cli/tar_archive.h"

namespace headroom::cli {
namespace {

using nlohmann::json;

TEST(Redaction, takes_out_everything_that_opens_a_door) {
  const json object = {
      {"kind", "Pod"},
      {"metadata",
       {{"name", "web"},
        {"managedFields", json::array({{{"manager", "x"}}})},
        {"annotations",
         {{"kubectl.kubernetes.io/last-applied-configuration", "WORD-1"}, {"note", "Authorization: Bearer WORD-2"}}}}},
      {"spec",
       {{"password", "WORD-3"},
        {"env", json::array({{{"name", "DB_PASSWORD"}, {"value", "WORD-4"}}, {{"name", "MODE"}, {"value", "fast"}}})},
        {"url", "https://me:WORD-5@host/path"},
        {"note", "-----BEGIN EC PRIVATE KEY-----WORD-6"},
        {"jwt", "eyJhbGciOiJSUzI1NiJ9.eyJXT1JELTciOjF9.sig"},
        {"file", "apiVersion: v1\ncurrent-context: a\nusers: WORD-8"},
        {"nested", json::array({{{"apiToken", "WORD-9"}}})}}}};
  const std::string text = redacted(object).dump();
  for (int word = 1; word <= 9; ++word) EXPECT_EQ(text.find("WORD-" + std::to_string(word)), std::string::npos) << word;
  EXPECT_EQ(text.find("eyJhbGci"), std::string::npos);
  EXPECT_EQ(text.find("managedFields"), std::string::npos);
  EXPECT_NE(text.find("fast"), std::string::npos);
  EXPECT_NE(text.find("@host/path"), std::string::npos);
}

TEST(Redaction, of_secrets_and_config_maps_leaves_the_keys) {
  for (const char* kind : {"Secret", "ConfigMap"}) {
    const json told = redacted({{"kind", kind}, {"data", {{"a", "WORD"}}}, {"stringData", {{"b", "WORD"}}}});
    EXPECT_EQ(told["data"]["a"], "[redacted]");
    EXPECT_EQ(told["stringData"]["b"], "[redacted]");
  }
}

TEST(Redaction, keeps_references_to_secrets) {
  const json region = {
      {"kind", "Region"},
      {"spec", {{"kubeconfigSecretRef", {{"namespace", "a"}, {"name", "b-kubeconfig"}, {"key", "value"}}}}}};
  EXPECT_EQ(redacted(region), region);
}

TEST(TarArchive, is_what_posix_says) {
  const std::string tar = tar_archive({{"a/b.txt", "hello"}}, absl::FromUnixSeconds(0));
  ASSERT_EQ(tar.size(), 512U * 4);
  EXPECT_EQ(tar.substr(0, 7), "a/b.txt");
  EXPECT_EQ(tar.substr(257, 5), "ustar");
  EXPECT_EQ(tar.substr(124, 11), "00000000005");
  EXPECT_EQ(tar.substr(512, 5), "hello");
  unsigned sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(tar[i]);
  EXPECT_EQ(std::stoul(tar.substr(148, 6), nullptr, 8), sum);
}

TEST(Gzip, is_unpacked_to_what_it_was) {
  const std::string data(100'000, 'x'), packed = gzipped(data);
  EXPECT_LT(packed.size(), 1000U);
  std::string out(data.size(), '\0');
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  inflateEnd(&stream);
  EXPECT_EQ(out, data);
}

}  // namespace
}  // namespace headroom::cli
