// The forms in which findings leave the program.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "tests/lint/shop.h"

namespace headroom::lint {
namespace {

using nlohmann::json;

Report a_report() {
  Report report;
  report.objects = {{"ScaleTarget shop/web", {"a b.yaml", 1, 1}}, {"Region <x>", {"b.yaml", 3, 1}}};
  report.other_objects = 1;
  report.findings = {
      {Finding::Severity::Error,
       "schema/type",
       "ScaleTarget shop/web",
       "spec.replicas.max",
       {"a b.yaml", 9, 10},
       "must be of type integer, not string",
       "write it without quotes"},
      {Finding::Severity::Warning,
       "doubtful",
       "ScaleTarget shop/web",
       "spec.region",
       {"a b.yaml", 4, 3},
       "there is no Region \"x\" & <y>",
       ""},
      {Finding::Severity::Error, "manifest", "", "", {"c.yaml", 0, 0}, "is not there", "name a file"},
  };
  return report;
}

TEST(Report, as_text_names_place_and_remedy) {
  EXPECT_EQ(format(a_report(), Format::Text),
            "a b.yaml:9:10: error: ScaleTarget shop/web: spec.replicas.max: must be of type integer, not string; write "
            "it without quotes [schema/type]\n"
            "a b.yaml:4:3: warning: ScaleTarget shop/web: spec.region: there is no Region \"x\" & <y> [doubtful]\n"
            "c.yaml: error: is not there; name a file [manifest]\n"
            "2 errors, 1 warning in 2 objects of Headroom (1 other looked at)\n");
}

TEST(Report, as_json_has_every_part) {
  const json told = json::parse(format(a_report(), Format::Json));
  EXPECT_EQ(told.at("errors"), 2);
  EXPECT_EQ(told.at("warnings"), 1);
  const json& first = told.at("findings").at(0);
  EXPECT_EQ(first.at("file"), "a b.yaml");
  EXPECT_EQ(first.at("line"), 9);
  EXPECT_EQ(first.at("column"), 10);
  EXPECT_EQ(first.at("remedy"), "write it without quotes");
}

TEST(Report, as_sarif_is_what_code_hosts_read) {
  const json told = json::parse(format(a_report(), Format::Sarif));
  EXPECT_EQ(told.at("version"), "2.1.0");
  ASSERT_EQ(told.at("runs").size(), 1u);
  const json& run = told.at("runs").at(0);
  EXPECT_EQ(run.at("columnKind"), "unicodeCodePoints");
  const json& driver = run.at("tool").at("driver");
  EXPECT_EQ(driver.at("name"), "headroom lint");
  std::set<std::string> ids;
  for (const json& rule : driver.at("rules")) {
    EXPECT_TRUE(ids.insert(rule.at("id").get<std::string>()).second) << rule;
    EXPECT_FALSE(rule.at("shortDescription").at("text").get<std::string>().empty());
  }
  ASSERT_EQ(run.at("results").size(), 3u);
  const std::set<std::string> levels = {"error", "warning", "note"};
  for (const json& result : run.at("results")) {
    EXPECT_TRUE(levels.contains(result.at("level").get<std::string>()));
    EXPECT_EQ(driver.at("rules").at(result.at("ruleIndex").get<std::size_t>()).at("id"), result.at("ruleId"));
    EXPECT_FALSE(result.at("message").at("text").get<std::string>().empty());
    EXPECT_TRUE(result.at("locations").at(0).at("physicalLocation").at("artifactLocation").contains("uri"));
  }
  const json& place = run.at("results").at(0).at("locations").at(0);
  EXPECT_EQ(place.at("physicalLocation").at("artifactLocation").at("uri"), "a%20b.yaml");
  EXPECT_EQ(place.at("physicalLocation").at("region"), json({{"startLine", 9}, {"startColumn", 10}}));
  EXPECT_EQ(place.at("logicalLocations").at(0).at("fullyQualifiedName"), "ScaleTarget shop/web spec.replicas.max");
  EXPECT_FALSE(run.at("results").at(2).at("locations").at(0).at("physicalLocation").contains("region"));
}

TEST(Report, as_junit_has_a_case_for_each_object_and_fails_those_with_errors) {
  const std::string told = format(a_report(), Format::JUnit);
  EXPECT_NE(told.find("<testsuite name=\"headroom lint\" tests=\"3\" failures=\"2\""), std::string::npos) << told;
  EXPECT_NE(told.find("name=\"Region &lt;x&gt;\""), std::string::npos);
  EXPECT_NE(told.find("<failure type=\"schema/type\" message=\"must be of type integer, not string; write it without "
                      "quotes\">a b.yaml:9:10: must be"),
            std::string::npos);
  EXPECT_NE(told.find("a b.yaml:4:3: warning: there is no Region &quot;x&quot; &amp; &lt;y&gt;&#10;</system-out>"),
            std::string::npos);
}

TEST(Report, fails_a_pipeline_on_errors_and_where_asked_on_warnings) {
  Report report = a_report();
  EXPECT_EQ(report.exit_code(false), 1);
  std::erase_if(report.findings, [](const Finding& each) { return each.severity == Finding::Severity::Error; });
  EXPECT_EQ(report.exit_code(false), 0);
  EXPECT_EQ(report.exit_code(true), 1);
  report.findings[0].severity = Finding::Severity::Note;
  EXPECT_EQ(report.exit_code(true), 0);
}

TEST(Report, describes_every_rule_that_a_finding_names) {
  std::set<std::string> known;
  for (const RuleDescription& each : rules()) known.insert(each.id);
  Options options = options_of_test();
  options.notes = true;
  const Report report = lint_text(spoiled("    max: 50", "    max: many\n    mad: 5") + "---\nkind: A\n", options);
  EXPECT_GE(report.findings.size(), 3u);
  for (const Finding& each : report.findings) EXPECT_TRUE(known.contains(each.rule)) << each.rule;
}

}  // namespace
}  // namespace headroom::lint
