#include "operator/monitoring/secret_value.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace headroom::monitoring {
namespace {

using nlohmann::json;

TEST(SecretValue, decodes_base64_as_kubernetes_writes_it) {
  struct Row {
    const char *encoded, *decoded;
  };
  constexpr Row kTable[] = {{"", ""},
                            {"Zg==", "f"},
                            {"Zm8=", "fo"},
                            {"Zm9v", "foo"},
                            {"Zm9vYg==", "foob"},
                            {"Zm9vYmFy", "foobar"},
                            {"/+8=", "\xff\xef"}};
  for (const Row& row : kTable) {
    const auto decoded = decode_base64(row.encoded);
    ASSERT_TRUE(decoded) << row.encoded;
    EXPECT_EQ(decoded.value(), row.decoded);
  }
  const auto zeros = decode_base64("AAAA");
  ASSERT_TRUE(zeros);
  EXPECT_EQ(zeros.value(), std::string(3, '\0'));
}

TEST(SecretValue, refuses_what_is_no_base64) {
  for (const char* text : {"Zg", "Zg=", "Z===", "====", "Zm9v\n", "Zm=v", "Zg==Zg==", "Zm9v Zm9", "_-8="}) {
    EXPECT_FALSE(decode_base64(text)) << text;
  }
}

json secret(json data) {
  return {{"metadata", {{"namespace", "headroom-system"}, {"name", "mumbai-kubeconfig"}}}, {"data", std::move(data)}};
}

TEST(SecretValue, names_the_secret_and_its_keys_when_the_key_is_missing) {
  const auto missing = secret_value(secret({{"kubeconfig", "Zm9v"}, {"other", "Zm9v"}}), "value");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "Secret headroom-system/mumbai-kubeconfig key 'value' is missing: the Secret has kubeconfig, other");
  const auto empty = secret_value(secret(nullptr), "value");
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.error().message.find("the Secret is empty"), std::string::npos);
}

TEST(SecretValue, never_shows_a_value) {
  const auto broken = secret_value(secret({{"value", "hunter2"}}), "value");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message.find("hunter2"), std::string::npos) << broken.error().message;
}

}  // namespace
}  // namespace headroom::monitoring
