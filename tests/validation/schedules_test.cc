#include "operator/validation/schedules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/base/time_zone.h"
#include "operator/validation/limits.h"
#include "operator/validation/regions.h"
#include "operator/validation/targets.h"
#include "tests/support/civil.h"
#include "tests/support/yaml_objects.h"
#include "tests/validation/objects.h"

namespace headroom::validation {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const absl::Time kNow = testing_support::ist("2026-10-20");

std::vector<ZonedSchedule> zoned(const Objects<api::FestivalSchedule>& schedules) {
  std::vector<ZonedSchedule> all;
  for (const auto& one : schedules) all.push_back({one, load_time_zone(one->spec.time_zone).value()});
  return all;
}

std::vector<std::string> told(const std::shared_ptr<const api::FestivalSchedule>& schedule, const Snapshot& others,
                              absl::Time now = kNow) {
  return texts(check(zoned({schedule}).front(), zoned(others.schedules), others, now));
}

json phase(const char* name, const char* from, const char* to, const json& targets) {
  return {{"name", name}, {"from", from}, {"to", to}, {"targets", targets}, {"multiplier", 2}};
}

Snapshot shop() {
  Snapshot others;
  others.targets = {a_target("workers", {}, {{"tier", "workers"}}), a_target("orders", {}, {{"tier", "erp"}})};
  return others;
}

TEST(ScheduleRules, what_cannot_be_planned_is_refused) {
  const json overlapping = {
      {"phases", {phase("a", "P0D", "P2D", json::object()), phase("b", "P1D", "P3D", json::object())}}};
  EXPECT_THAT(told(a_schedule("diwali", overlapping), shop()),
              ElementsAre(HasSubstr("error spec.phases[0] \"a\" and spec.phases[1] \"b\" hold at the same time")));
}

TEST(ScheduleRules, selections_that_match_nothing_are_told) {
  struct Row {
    const char* what;
    json spec;
    std::vector<const char*> told;
  };
  const json named = {{"names", {"workers", "wrokers"}}}, tin = {{"selector", {{"matchLabels", {{"tier", "tin"}}}}}};
  const Row table[] = {
      {"all targets", json::object(), {}},
      {"a name",
       {{"phases", {phase("p", "P0D", "P1D", named)}}},
       {"warning spec.phases[0].targets.names: there is no ScaleTarget wrokers in namespace shop"}},
      {"a label",
       {{"phases", {phase("p", "P0D", "P1D", tin)}}},
       {"warning spec.phases[0].targets: it selects no ScaleTarget of namespace shop"}},
      {"a region",
       {{"phases", {phase("p", "P0D", "P1D", {{"regions", {"mumbay"}}})}}},
       {"spec.phases[0].targets.regions: there is no Region mumbay", "it selects no ScaleTarget"}},
      {"a wave",
       {{"waves", {{{"name", "first"}, {"targets", tin}}}}},
       {"warning spec.waves[0].targets: it selects no"}},
      {"a switch's region",
       {{"phases",
         {{{"name", "p"},
           {"from", "P0D"},
           {"to", "P1D"},
           {"switches", {{{"configMap", "c"}, {"key", "k"}, {"value", "v"}, {"regions", {"local", "mumbay"}}}}}}}}},
       {"warning spec.phases[0].switches[0].regions: there is no Region mumbay"}},
  };
  for (const Row& row : table) {
    const auto all = told(a_schedule("diwali", row.spec), shop());
    ASSERT_EQ(all.size(), row.told.size()) << row.what << ": " << testing::PrintToString(all);
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_THAT(all[i], HasSubstr(row.told[i])) << row.what;
  }
}

TEST(ScheduleRules, schedules_that_meet_at_a_target_say_who_counts) {
  struct Row {
    const char* what;
    json mine, theirs;
    const char* told;  ///< null: nothing
  };
  const json late = {{"phases", {phase("late", "PT12H", "P3D", json::object())}}};
  const json after = {{"phases", {phase("after", "P1D", "P3D", json::object())}}};
  const json of_erp = {{"phases", {phase("erp", "P0D", "P1D", {{"names", {"orders"}}})}}};
  const json of_workers = {{"phases", {phase("workers", "P0D", "P1D", {{"names", {"workers"}}})}}};
  const auto priority = [](json spec, int value) {
    spec["priority"] = value;
    return spec;
  };
  const Row table[] = {
      {"touching", json::object(), after, nullptr},
      {"other targets", of_workers, of_erp, nullptr},
      {"without priorities", json::object(), late,
       "warning spec.phases: from 2026-11-08 12:00 +05:30 to 2026-11-09 00:00 +05:30 phase peak meets late of "
       "FestivalSchedule other at workers, orders; the larger size counts"},
      {"one target of two", json::object(), of_erp, "meets erp of FestivalSchedule other at orders;"},
      {"a higher one", json::object(), priority(late, 10), "only other counts, by its priority 10 over 0"},
      {"a lower one", priority(json::object(), 10), late, "only this one counts, by its priority 10 over 0"},
      {"equal ones", priority(json::object(), 10), priority(late, 10),
       "both have priority 10, so the larger size counts"},
      {"a suspended one", json::object(),
       [&] {
         json spec = late;
         spec["suspend"] = "Hold";
         return spec;
       }(),
       nullptr},
  };
  for (const Row& row : table) {
    Snapshot others = shop();
    others.schedules = {a_schedule("other", row.theirs)};
    const auto all = told(a_schedule("mine", row.mine), others);
    ASSERT_EQ(all.size(), row.told == nullptr ? 0U : 1U) << row.what << ": " << testing::PrintToString(all);
    if (row.told == nullptr) continue;
    EXPECT_THAT(all[0], HasSubstr(row.told)) << row.what;
  }
}

TEST(ScheduleRules, what_is_over_meets_nobody) {
  Snapshot others = shop();
  others.schedules = {a_schedule("other")};
  EXPECT_EQ(told(a_schedule("mine"), others).size(), 1U);
  EXPECT_THAT(told(a_schedule("mine"), others, testing_support::ist("2026-11-10")), IsEmpty());
  EXPECT_THAT(told(a_schedule("other"), others), IsEmpty()) << "nobody meets himself";
}

/// All findings about the objects of one folder, with nothing else in the cluster.
std::vector<std::string> findings_of(const std::string& folder) {
  Snapshot all;
  for (const json& object : testing_support::yaml_objects_of_folder(folder)) {
    const std::string kind = object.at("kind");
    const auto add = [&](auto& list, auto from_json) {
      auto read = from_json(object);
      ASSERT_TRUE(read) << read.error().message;
      list.push_back(std::make_shared<const std::decay_t<decltype(read.value())>>(std::move(read).value()));
    };
    if (kind == "Namespace") {
      const api::ObjectMeta meta = api::meta_from_json(object);
      all.namespace_labels[meta.name] = meta.labels;
    }
    if (kind == "Region") add(all.regions, api::region_from_json);
    if (kind == "ScaleTarget") add(all.targets, api::scale_target_from_json);
    if (kind == "FestivalSchedule") add(all.schedules, api::festival_schedule_from_json);
    if (kind == "ScaleLimit") add(all.limits, api::scale_limit_from_json);
    if (kind == "ClusterScaleLimit") add(all.limits, api::cluster_scale_limit_from_json);
  }
  std::vector<std::string> found;
  const auto add = [&](const std::string& name, const std::vector<Finding>& findings) {
    for (const std::string& text : texts(findings)) found.push_back(name + " " + text);
  };
  for (const auto& one : all.regions) add(one->meta.name, check(*one, all));
  for (const auto& one : all.targets) add(one->meta.name, check(*one, all));
  for (const auto& one : all.limits) add(one->meta.name, check(*one, nullptr, all));
  for (const ZonedSchedule& one : zoned(all.schedules)) {
    add(one.schedule->meta.name, check(one, zoned(all.schedules), all, kNow));
  }
  return found;
}

TEST(Samples, have_nothing_against_them_but_what_they_show) {
  const std::string samples = "manifests/samples/";
  for (const char* folder : {"depository", "model-registry", "one-region", "whatsapp-erp"}) {
    EXPECT_THAT(findings_of(samples + folder), IsEmpty()) << folder;
  }
  EXPECT_THAT(findings_of(samples + "agents-6-month"),
              ElementsAre(HasSubstr("us-east-1 warning spec: ScaleTarget agents/eu-agents-in-us-east-1: spec.requires"),
                          HasSubstr("eu-agents-in-us-east-1 warning spec.requires")));
  EXPECT_THAT(findings_of(samples + "agents-12-month"),
              ElementsAre(HasSubstr("us-east-1 warning spec: ScaleTarget agents/brazil-in-us-east-1: spec.requires"),
                          HasSubstr("brazil-in-us-east-1 warning spec.requires")));
}

}  // namespace
}  // namespace headroom::validation
