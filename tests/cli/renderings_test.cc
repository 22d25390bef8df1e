// Forecasts as text, calendar, picture and YAML.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <yaml-cpp/yaml.h>

#include "operator/base/time_zone.h"
#include "operator/cli/forecast_picture.h"
#include "operator/cli/forecast_text.h"
#include "operator/cli/text_table.h"
#include "operator/cli/yaml_text.h"
#include "operator/plan/calendar.h"
#include "tests/cli/offline.h"
#include "tests/support/civil.h"

namespace headroom::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing_support::ist;

ForecastView in_kolkata() { return {load_time_zone("Asia/Kolkata").value(), false, false}; }

Forecast diwali(const PlanningWorld& world) {
  return forecast_of(world, ist("2027-10-20"), ist("2027-11-03"), std::nullopt, "diwali-playbook");
}

TEST(TextTable, aligns_columns_by_characters_and_ends_no_line_in_a_blank) {
  TextTable table({"NAME", "SIZE"});
  table.add({"käse", "1"});
  table.add({"b", ""});
  EXPECT_EQ(table.to_text(false), "NAME   SIZE\nkäse   1\nb      -\n");
}

TEST(TextTable, colours_only_where_asked) {
  TextTable table({"A", "B"});
  table.add({{"late", Tone::Bad}, "x"});
  EXPECT_EQ(table.to_text(false).find('\x1b'), std::string::npos);
  EXPECT_EQ(table.to_text(true), "A      B\n\x1b[31mlate\x1b[0m   x\n");
}

TEST(ForecastText, tells_each_step_with_its_cap_and_reason) {
  const PlanningWorld world = whatsapp_erp();
  const std::string text = range_text(world, diwali(world), in_kolkata());
  EXPECT_THAT(text, HasSubstr("2027-10-28 00:00:00   whatsapp-erp/webhook-workers"));
  EXPECT_THAT(text, HasSubstr("60 -> 100   100..100   diwali-playbook eve"));
  EXPECT_THAT(text, HasSubstr("diwali-playbook eve: 5 x 30 = 150; capped by max 100 (wanted 150)"));
  EXPECT_THAT(text, HasSubstr("2, one after the other"));
}

TEST(ForecastText, of_an_instant_has_one_line_for_each_target) {
  const PlanningWorld world = whatsapp_erp();
  const Forecast told = forecast_of(world, ist("2027-10-29"), ist("2027-10-29"));
  const std::string text = instant_text(world, told, in_kolkata());
  EXPECT_THAT(text, HasSubstr("At 2027-10-29 00:00:00 +05:30"));
  EXPECT_THAT(text, HasSubstr("10 x 30 = 300; capped by max 100 (wanted 300)"));
  EXPECT_THAT(text, Not(HasSubstr("COST")));
}

TEST(ForecastJson, holds_what_programs_need) {
  const PlanningWorld world = whatsapp_erp();
  const json told = forecast_json(world, diwali(world));
  bool found = false;
  for (const json& step : told["steps"]) {
    if (step["target"]["name"] != "webhook-workers" || step["from"] != "2027-10-27T18:30:00Z") continue;
    found = true;
    EXPECT_EQ(step["replicas"], 100);
    EXPECT_EQ(step["bounds"], (json{{"min", 100}, {"max", 100}}));
    EXPECT_EQ(step["caps"], json::array({"max"}));
    EXPECT_EQ(step["wanted"], 150);
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(told["regions"].size(), 4U);
}

TEST(ForecastCalendar, is_read_back_by_a_calendar_parser) {
  const PlanningWorld world = whatsapp_erp();
  const std::string text = forecast_calendar(world, diwali(world), in_kolkata(), ist("2026-11-22"));
  plan::CalendarBounds bounds;
  bounds.recurrence = {absl::CivilDay(2027, 1, 1), absl::CivilDay(2028, 1, 1), 1000};
  const auto events = plan::parse_calendar(text, "diwali-playbook peak (diwali-2027)", bounds, load_time_zone);
  ASSERT_TRUE(events) << events.error().message;
  ASSERT_EQ(events.value().size(), 1U);
  EXPECT_EQ(events.value()[0].instant, ist("2027-10-29"));
  EXPECT_THAT(text, HasSubstr("DTEND:20271030T183000Z\r\n"));
  EXPECT_THAT(text, HasSubstr("webhook-workers 100 (capped by max)\\n"));
}

TEST(ForecastCalendar, has_lines_of_75_bytes_at_most_that_end_in_CRLF) {
  const PlanningWorld world = whatsapp_erp();
  const std::string text = forecast_calendar(world, diwali(world), in_kolkata(), ist("2026-11-22"));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\r\n", at);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end - at, 75U);
    EXPECT_EQ(text.substr(at, end - at).find('\n'), std::string::npos);
    at = end + 2;
  }
}

TEST(CalendarLine, is_never_folded_inside_a_character) {
  std::string line = "DESCRIPTION:";
  for (int i = 0; i < 60; ++i) line += "दि";
  const std::string folded = calendar_line(line);
  std::string unfolded = folded.substr(0, folded.size() - 2);
  for (std::size_t at = unfolded.find("\r\n "); at != std::string::npos; at = unfolded.find("\r\n ")) {
    EXPECT_NE(static_cast<unsigned char>(unfolded[at + 3]) & 0xC0U, 0x80U) << "begins inside a character";
    unfolded.erase(at, 3);
  }
  EXPECT_EQ(unfolded, line);
}

TEST(ForecastPicture, shows_every_target_that_moves_and_every_phase_that_sizes) {
  const PlanningWorld world = whatsapp_erp();
  const std::string svg = forecast_picture(world, diwali(world), in_kolkata());
  for (const char* text : {">webhook-workers<", ">erp-db<", ">chennai-order-service<", ">lead-up<", ">eve<", ">peak<",
                           ">wind-down<", ">100 of 300 wanted<", ">planned size<", ">capped<"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
  EXPECT_THAT(svg, Not(HasSubstr(">prepare<"))) << "it asks for no sizes";
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

TEST(ForecastPicture, marks_when_pods_do_not_fit) {
  const std::vector<json> objects = {a_target("web", 2, 100, 1), a_deployment("web", 2, "1"),
                                     a_schedule("fair", "2027-03-10", "9")};
  const auto drawn = [&](int cpus) {
    std::vector<json> all = objects;
    all.push_back(a_quota("compute", {{"requests.cpu", cpus}}));
    const PlanningWorld world = world_of(all);
    return forecast_picture(world, forecast_of(world, ist("2027-03-09"), ist("2027-03-12")), in_kolkata());
  };
  EXPECT_THAT(drawn(8), AllOf(HasSubstr(">does not fit<"), HasSubstr("d=\"M478.7 177H761.3\"")));
  EXPECT_THAT(drawn(9), Not(HasSubstr("does not fit")));
}

TEST(ForecastPicture, escapes_names_and_leaves_out_what_moves_least) {
  std::vector<json> objects = {a_schedule("fair", "2027-03-10", "4")};
  for (int t = 0; t < kMostPanels + 3; ++t) objects.push_back(a_target("t" + std::to_string(t), 1, 500, 1 + t));
  objects[0]["spec"]["phases"][0]["name"] = "a-b";
  const PlanningWorld world = world_of(objects);
  const std::string svg =
      forecast_picture(world, forecast_of(world, ist("2027-03-09"), ist("2027-03-12")), in_kolkata());
  EXPECT_THAT(svg, HasSubstr("3 targets that move less are not shown"));
  EXPECT_THAT(svg, HasSubstr(">t26<"));
  EXPECT_THAT(svg, Not(HasSubstr(">t0<")));
}

TEST(YamlText, is_read_back_as_it_was) {
  const json value = {{"plain", "web"},
                      {"number-like", "0600"},
                      {"boolean-like", "yes"},
                      {"colon", "a: b"},
                      {"empty", ""},
                      {"list", json::array({1, "two", {{"a", 1}, {"b", json::array()}}})},
                      {"nested", {{"map", {{"deep", true}}}, {"none", nullptr}}},
                      {"quote", "say \"no\"\n"}};
  const YAML::Node read = YAML::Load(yaml_text(value));
  EXPECT_EQ(read["plain"].as<std::string>(), "web");
  EXPECT_EQ(read["number-like"].Tag(), "!") << "quoted";
  EXPECT_EQ(read["boolean-like"].Tag(), "!") << "quoted";
  EXPECT_EQ(read["colon"].as<std::string>(), "a: b");
  EXPECT_EQ(read["empty"].as<std::string>(), "");
  EXPECT_EQ(read["list"][1].as<std::string>(), "two");
  EXPECT_EQ(read["list"][2]["a"].as<int>(), 1);
  EXPECT_EQ(read["list"][2]["b"].size(), 0U);
  EXPECT_TRUE(read["nested"]["map"]["deep"].as<bool>());
  EXPECT_TRUE(read["nested"]["none"].IsNull());
  EXPECT_EQ(read["quote"].as<std::string>(), "say \"no\"\n");
}

}  // namespace
}  // namespace headroom::cli
