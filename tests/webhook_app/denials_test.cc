// What limits have refused, as metrics tell it.
#include "webhook/app/denials.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/webhook_app/a_limit.h"

namespace headroom::webhook {
namespace {

std::size_t counters(runtime::Metrics& metrics, const std::string& limit) {
  const std::string text = metrics.serialize(), name = absl::StrCat("limit=\"", limit, "\"");
  std::size_t found = 0;
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) ++found;
  return found;
}

TEST(Denials, are_counted_while_there_is_the_limit_in_a_bounded_number_of_series) {
  runtime::Metrics metrics;
  Denials denials(metrics);
  const auto stays = a_limit("stays", {}, "u-1"), goes = a_limit("goes", {}, "u-2");
  denials.count(stays.get(), {"OverLimit", "count", "no"}, absl::UnixEpoch());
  for (int i = 0; i < 1000; ++i) {
    denials.count(goes.get(), {"Denied", absl::StrCat("rule-", i), "no"}, absl::UnixEpoch());
  }
  EXPECT_EQ(counters(metrics, "stays"), 1u);
  EXPECT_EQ(counters(metrics, "goes"), 129u) << "and one for the rest";
  denials.retain(limits::LimitSet({std::make_shared<const limits::CompiledLimit>(
      1, stays, std::vector<limits::TypeId>{0}, std::vector<std::string>(), std::vector<std::string>())}));
  EXPECT_EQ(counters(metrics, "stays"), 1u);
  EXPECT_EQ(counters(metrics, "goes"), 0u);
}

}  // namespace
}  // namespace headroom::webhook
