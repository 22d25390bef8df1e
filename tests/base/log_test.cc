#include "operator/base/log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace headroom::log {
namespace {

const absl::Time kAt = absl::FromUnixSeconds(1'794'076'200);

TEST(Log, writes_one_json_object_a_line) {
  const std::string line =
      render(Format::Json, kAt, Level::Info, "raised", {{"object", "ScaleTarget/shop/workers"}, {"min", "60"}});
  EXPECT_EQ(
      line,
      R"({"ts":"2026-11-07T18:30:00.000000Z","level":"info","msg":"raised","object":"ScaleTarget/shop/workers","min":"60"})");
}

TEST(Log, keeps_json_valid_whatever_a_value_holds) {
  const std::string all_ascii = [] {
    std::string text;
    for (int c = 0; c < 128; ++c) text += static_cast<char>(c);
    return text;
  }();
  const struct {
    std::string value, read_back;
  } table[] = {
      {all_ascii, all_ascii},
      {"quote \" backslash \\ newline \n", "quote \" backslash \\ newline \n"},
      {"दीपावली 🪔", "दीपावली 🪔"},
      {"cut \xE0\xA4", "cut \uFFFD\uFFFD"},
      {"\xFF\xC0\xAF", "\uFFFD\uFFFD\uFFFD"},
      {"surrogate \xED\xA0\x80", "surrogate \uFFFD\uFFFD\uFFFD"},
      {"beyond \xF4\x90\x80\x80", "beyond \uFFFD\uFFFD\uFFFD\uFFFD"},
      {"overlong \xE0\x80\x80", "overlong \uFFFD\uFFFD\uFFFD"},
      {"overlong \xF0\x80\x80\x80", "overlong \uFFFD\uFFFD\uFFFD\uFFFD"},
  };
  for (const auto& row : table) {
    const std::string line = render(Format::Json, kAt, Level::Error, row.value, {{"value", row.value}});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto object = nlohmann::json::parse(line, nullptr, false);
    ASSERT_FALSE(object.is_discarded()) << line;
    EXPECT_EQ(object["value"], row.read_back);
    EXPECT_EQ(object["msg"], row.read_back);
  }
}

TEST(Log, writes_text_that_stays_on_its_line) {
  EXPECT_EQ(
      render(Format::Text, kAt, Level::Warning, "late\nby far",
             {{"by", "90s"}, {"reason", "no room"}, {"empty", ""}, {"forged", "x\nlevel=error"}}),
      R"(2026-11-07T18:30:00.000000Z warning late by far by=90s reason="no room" empty="" forged="x\nlevel=error")");
}

TEST(Log, prints_from_its_threshold_upward) {
  configure(Level::Warning, Format::Text);
  testing::internal::CaptureStderr();
  info("quiet");
  warning("loud");
  error("louder", {{"reason", "test"}});
  const std::string printed = testing::internal::GetCapturedStderr();
  EXPECT_EQ(printed.find("quiet"), std::string::npos);
  EXPECT_NE(printed.find(" warning loud\n"), std::string::npos) << printed;
  EXPECT_NE(printed.find(" error louder reason=test\n"), std::string::npos) << printed;

  configure(Level::Debug, Format::Json);
  testing::internal::CaptureStderr();
  debug("detail {} %s");
  EXPECT_EQ(nlohmann::json::parse(testing::internal::GetCapturedStderr())["msg"], "detail {} %s");
}

}  // namespace
}  // namespace headroom::log
