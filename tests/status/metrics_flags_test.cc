#include "operator/status/metrics_flags.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <string>

namespace headroom::status {
namespace {

Result<runtime::MetricsServing> serving(const std::string& flags) {
  CLI::App app;
  MetricsFlags parsed;
  parsed.add_to(app);
  app.parse(flags);
  return parsed.serving();
}

TEST(MetricsFlags, leave_metrics_beside_health_when_nothing_is_said) { EXPECT_FALSE(serving("").value().alone); }

TEST(MetricsFlags, are_secure_unless_said_otherwise) {
  const auto secure = serving("--metrics-listen [::]:8444 --metrics-certificate-directory /certificates").value();
  EXPECT_TRUE(secure.alone);
  EXPECT_TRUE(secure.secure);
  EXPECT_EQ(secure.address, "[::]");
  EXPECT_EQ(secure.port, 8444);
  EXPECT_EQ(secure.certificate_directory, "/certificates");
  const auto plain = serving("--metrics-listen 127.0.0.1:0 --metrics-secure=false").value();
  EXPECT_TRUE(plain.alone);
  EXPECT_FALSE(plain.secure);
}

TEST(MetricsFlags, refuse_what_would_have_no_effect) {
  const std::pair<const char*, const char*> table[] = {
      {"--metrics-listen 8443", "--metrics-listen: '8443' is not ADDRESS:PORT"},
      {"--metrics-secure=false", "--metrics-secure:"},
      {"--metrics-certificate-directory /certificates", "needs --metrics-listen"},
      {"--metrics-listen :1 --metrics-secure=false --metrics-certificate-directory /c", "of no use"},
  };
  for (const auto& [flags, wrong] : table) {
    const auto refused = serving(flags);
    ASSERT_FALSE(refused) << flags;
    EXPECT_NE(refused.error().message.find(wrong), std::string::npos) << refused.error().message;
  }
}

}  // namespace
}  // namespace headroom::status
