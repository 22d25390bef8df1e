#include "operator/controllers/schedule_status.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/controllers/a_schedule.h"

namespace headroom::controllers {
namespace {

using testing_support::ist;

const api::Condition& condition(const api::FestivalScheduleStatus& status, const char* type) {
  static const api::Condition kMissing{"(missing)", false, "(missing)", "(missing)", 0, {}};
  const api::Condition* found = api::find_condition(status.conditions, type);
  return found == nullptr ? kMissing : *found;
}

/// A schedule, the plan that knows it, and what follows from both.
struct Stage {
  testing_support::FestivalBuilder builder = diwali();
  api::FestivalSchedule schedule = as_object(builder);
  ScheduleCompilation compilation{compiled(builder), {}, {}, {}};
  PlanSnapshot plan;
  api::FestivalScheduleStatus before;
  std::optional<absl::Time> looked_until;
  std::vector<api::StartedLead> started;
  std::vector<api::TransitionStatus> lead_starts;
  std::vector<std::string> switch_problems, unknown;

  Stage() { add_target("web"); }

  void add_target(const std::string& name, std::map<std::string, std::string> labels = {}) {
    auto target = std::make_shared<api::ScaleTarget>();
    target->meta.ns = "shop";
    target->meta.name = name;
    target->meta.labels = std::move(labels);
    plan.targets.push_back(target);
    plan::Decision decision;
    decision.target = target->meta.key();
    plan.result.decisions.push_back(std::move(decision));
  }
  void recompile() {
    schedule.spec = builder.spec();
    compilation.compiled = compiled(builder);
  }
  ScheduleReport report(const std::string& civil) {
    ScheduleFacts facts{.schedule = schedule, .compilation = &compilation, .plan = &plan};
    facts.started_leads = started;
    facts.lead_starts = lead_starts;
    facts.switch_problems = switch_problems;
    facts.unknown_receivers = unknown;
    facts.looked_until = looked_until;
    return schedule_report(facts, before, ist(civil));
  }
  api::FestivalScheduleStatus status(const std::string& civil) { return report(civil).status; }
};

TEST(ScheduleStatus, follows_the_festival) {
  struct Row {
    const char *at, *state, *phase, *next;
  };
  constexpr Row kTable[] = {{"2026-11-01 00:00:00", "Scheduled", "", "prepare Start"},
                            {"2026-11-04 23:59:59", "Scheduled", "", "prepare Start"},
                            {"2026-11-05 00:00:00", "Active", "prepare", "prepare End"},
                            {"2026-11-07 00:00:00", "Active", "peak", "peak End"},
                            {"2026-11-10 00:00:00", "Decaying", "decay", "decay End"},
                            {"2026-11-11 00:00:00", "Ended", "", ""}};
  for (const Row& row : kTable) {
    Stage stage;
    const api::FestivalScheduleStatus status = stage.status(row.at);
    EXPECT_EQ(status.state, row.state) << row.at;
    EXPECT_EQ(status.phase, row.phase) << row.at;
    EXPECT_EQ(status.occurrence, *row.phase == '\0' ? "" : "diwali") << row.at;
    EXPECT_EQ(status.next.empty() ? "" : status.next[0].phase + " " + status.next[0].event, row.next) << row.at;
    EXPECT_TRUE(condition(status, "Ready").status) << row.at;
    EXPECT_EQ(condition(status, "Ready").reason, row.state);
    EXPECT_EQ(status.observed_generation, 1);
    EXPECT_EQ(status.targets, 1);
  }
}

TEST(ScheduleStatus, leads_before_the_first_phase) {
  Stage stage;
  stage.started = {{"shop/diwali", "diwali", "prepare", ist("2026-11-04 23:40:00")}};
  EXPECT_EQ(stage.status("2026-11-04 23:45:00").state, "Leading");
  EXPECT_EQ(stage.status("2026-11-05 00:00:00").state, "Active");
}

TEST(ScheduleStatus, keeps_the_earliest_start_of_each_lead_until_its_phase_ends) {
  Stage stage;
  stage.started = {{"shop/diwali", "diwali", "peak", ist("2026-11-06 23:50:00")},
                   {"shop/diwali", "diwali", "peak", ist("2026-11-06 23:40:00")},
                   {"shop/diwali", "diwali", "prepare", ist("2026-11-04 23:40:00")},
                   {"shop/diwali", "holi", "peak", ist("2026-11-04 23:40:00")}};
  const auto leads = stage.status("2026-11-06 23:55:00").started_leads;
  ASSERT_EQ(leads.size(), 2U);
  EXPECT_EQ(leads[0].phase, "prepare");
  EXPECT_EQ(leads[1].at, ist("2026-11-06 23:40:00"));
  EXPECT_EQ(stage.status("2026-11-07 00:00:00").started_leads.size(), 1U) << "prepare is over";
}

TEST(ScheduleStatus, tells_the_next_ten_transitions_lead_starts_among_them) {
  Stage stage;
  stage.builder.spec().occurrences.clear();
  for (const char* name : {"a", "b", "c"}) {
    api::Occurrence occurrence;
    occurrence.name = name;
    occurrence.day = absl::CivilDay(2026, 11, 8) + 10 * (*name - 'a');
    stage.builder.spec().occurrences.push_back(occurrence);
  }
  stage.recompile();
  stage.lead_starts = {{ist("2026-11-04 23:40:00"), "a", "prepare", "LeadStart"},
                       {ist("2026-11-06 23:40:00"), "a", "peak", "LeadStart"}};
  const auto next = stage.status("2026-11-01").next;
  ASSERT_EQ(next.size(), 10U);
  EXPECT_EQ(next[0].event, "LeadStart");
  EXPECT_EQ(next[1].event, "Start");
  EXPECT_EQ(next[2].event, "LeadStart");
  EXPECT_TRUE(std::ranges::is_sorted(next, {}, &api::TransitionStatus::at));
}

TEST(ScheduleStatus, a_suspended_schedule_says_so_whatever_the_hour) {
  Stage stage;
  stage.builder.suspend(api::SuspendMode::Hold);
  stage.recompile();
  EXPECT_EQ(stage.status("2026-11-08").state, "Suspended");
}

TEST(ScheduleStatus, an_invalid_spec_stalls_and_says_whether_a_former_version_is_in_force) {
  Stage stage;
  stage.compilation.problem_reason = "InvalidSpec";
  stage.compilation.problem = "spec.phases[1].to: ends before it starts";
  api::FestivalScheduleStatus status = stage.status("2026-11-08");
  EXPECT_TRUE(condition(status, "Stalled").status);
  EXPECT_EQ(condition(status, "Stalled").message, "spec.phases[1].to: ends before it starts");
  EXPECT_FALSE(condition(status, "Ready").status);
  EXPECT_NE(condition(status, "Ready").message.find("last good version stays in force"), std::string::npos);
  EXPECT_EQ(status.phase, "peak");
  EXPECT_EQ(status.observed_generation, 1) << "the edit has been seen";

  stage.compilation.compiled = nullptr;
  status = stage.status("2026-11-08");
  EXPECT_TRUE(condition(status, "Stalled").status);
  EXPECT_EQ(status.phase, "");
}

TEST(ScheduleStatus, a_lost_calendar_is_no_stall_while_the_last_good_copy_serves) {
  Stage stage;
  stage.compilation.problem_reason = "CalendarUnavailable";
  stage.compilation.problem = "ConfigMap shop/holidays does not exist";
  stage.compilation.calendar_read = ist("2026-11-01");
  api::FestivalScheduleStatus status = stage.status("2026-11-08");
  EXPECT_TRUE(condition(status, "CalendarUnavailable").status);
  EXPECT_FALSE(condition(status, "Stalled").status);
  EXPECT_TRUE(condition(status, "Ready").status);
  EXPECT_EQ(status.calendar_read, ist("2026-11-01"));

  stage.compilation.calendar_read.reset();
  status = stage.status("2026-11-08");
  EXPECT_TRUE(condition(status, "Stalled").status) << "no day of the calendar is known, so a festival may be missed";
  EXPECT_FALSE(condition(status, "Ready").status);
  EXPECT_EQ(condition(status, "Ready").message,
            "ConfigMap shop/holidays does not exist (none of its days is known; other occurrences go on)");

  stage.compilation.compiled = nullptr;
  status = stage.status("2026-11-08");
  EXPECT_TRUE(condition(status, "Stalled").status) << "without any copy nothing can be planned";
  stage.compilation = {compiled(stage.builder), {}, {}, {}};
  stage.before = status;
  EXPECT_EQ(api::find_condition(stage.status("2026-11-08").conditions, "CalendarUnavailable"), nullptr);
}

TEST(ScheduleStatus, waits_for_a_plan_that_knows_this_version) {
  Stage stage;
  const api::FestivalScheduleStatus known = stage.status("2026-11-05");
  ScheduleFacts facts{.schedule = stage.schedule, .compilation = nullptr, .plan = &stage.plan};
  stage.schedule.meta.generation = 2;
  const ScheduleReport pending = schedule_report(facts, known, ist("2026-11-08"));
  EXPECT_TRUE(condition(pending.status, "Reconciling").status);
  EXPECT_EQ(pending.status.observed_generation, 1);
  EXPECT_EQ(pending.status.phase, "prepare") << "what was known stays";
  EXPECT_TRUE(pending.passed.empty());
  EXPECT_TRUE(condition(pending.status, "Ready").status);
  EXPECT_FALSE(condition(schedule_report(facts, {}, ist("2026-11-08")).status, "Ready").status)
      << "a new object has Ready from the first sight on";
}

TEST(ScheduleStatus, counts_the_targets_it_selects_and_says_when_there_are_none) {
  Stage stage;
  stage.builder = testing_support::a_festival("diwali")
                      .day("2026-11-08")
                      .phase("peak", "-P1D", "P2D")
                      .multiply(testing_support::labelled("app", "web"), "5");
  stage.recompile();
  api::FestivalScheduleStatus status = stage.status("2026-11-08");
  EXPECT_EQ(status.targets, 0);
  EXPECT_TRUE(condition(status, "NoTargets").status);
  stage.add_target("labelled", {{"app", "web"}});
  auto foreign = std::make_shared<api::ScaleTarget>();
  foreign->meta.ns = "elsewhere";
  foreign->meta.labels = {{"app", "web"}};
  stage.plan.targets.push_back(foreign);
  stage.before = status;
  status = stage.status("2026-11-08");
  EXPECT_EQ(status.targets, 1);
  EXPECT_EQ(api::find_condition(status.conditions, "NoTargets"), nullptr);
}

TEST(ScheduleStatus, names_the_targets_that_are_missing_and_goes_on_with_those_that_exist) {
  Stage stage;
  stage.builder = testing_support::a_festival("diwali")
                      .day("2026-11-08")
                      .wave("first", testing_support::named({"cache"}))
                      .phase("peak", "-P1D", "P2D")
                      .multiply(testing_support::named({"web", "wbe", "api", "db", "queue", "mail"}), "5")
                      .phase_wave("late", testing_support::named({"wbe"}));
  stage.recompile();
  api::FestivalScheduleStatus status = stage.status("2026-11-08");
  EXPECT_EQ(status.targets, 1);
  EXPECT_TRUE(condition(status, "TargetsMissing").status);
  EXPECT_EQ(condition(status, "TargetsMissing").reason, "SomeTargetsMissing");
  EXPECT_EQ(condition(status, "TargetsMissing").message,
            "no ScaleTarget of namespace shop is named api, cache, db, mail, queue and 1 more: create it, or correct "
            "targets.names of the phases and waves; the schedule holds for the targets that exist");
  EXPECT_EQ(api::find_condition(status.conditions, "NoTargets"), nullptr);
  EXPECT_TRUE(condition(status, "Ready").status) << "what exists is carried out";

  const auto events = schedule_events({}, {status, {}, 0});
  EXPECT_TRUE(std::ranges::any_of(events, [](const auto& event) {
    return event.type == runtime::EventText::Type::Warning && event.reason == "TargetsMissing";
  }));

  stage.plan = {};
  for (const char* name : {"api", "cache", "db", "mail", "queue", "wbe", "web"}) stage.add_target(name);
  stage.before = status;
  status = stage.status("2026-11-08");
  EXPECT_EQ(api::find_condition(status.conditions, "TargetsMissing"), nullptr);
}

TEST(ScheduleStatus, a_schedule_without_any_target_says_so_once_and_names_what_it_misses) {
  Stage stage;
  stage.builder = testing_support::a_festival("diwali")
                      .day("2026-11-08")
                      .phase("peak", "-P1D", "P2D")
                      .multiply(testing_support::named({"wbe"}), "5");
  stage.recompile();
  auto foreign = std::make_shared<api::ScaleTarget>();
  foreign->meta.ns = "elsewhere";
  foreign->meta.name = "wbe";
  stage.plan.targets.insert(stage.plan.targets.begin(), foreign);
  const api::FestivalScheduleStatus status = stage.status("2026-11-08");
  EXPECT_TRUE(condition(status, "NoTargets").status);
  EXPECT_NE(condition(status, "NoTargets").message.find("no ScaleTarget of namespace shop is named wbe"),
            std::string::npos);
  EXPECT_EQ(api::find_condition(status.conditions, "TargetsMissing"), nullptr);
}

TEST(ScheduleStatus, a_phase_that_only_notifies_needs_no_targets) {
  Stage stage;
  stage.builder = testing_support::a_festival("diwali").day("2026-11-08").phase("monitoring", "-P10D", "-P5D");
  stage.recompile();
  const api::FestivalScheduleStatus status = stage.status("2026-10-30");
  EXPECT_EQ(api::find_condition(status.conditions, "NoTargets"), nullptr);
  EXPECT_EQ(status.state, "Active");
  EXPECT_EQ(status.phase, "monitoring");
}

plan::Risk a_risk(const std::string& target, const std::string& schedule = "diwali") {
  plan::Risk risk;
  risk.target = {"shop", target};
  risk.schedule = {"shop", schedule};
  risk.occurrence = "diwali";
  risk.phase = "peak";
  risk.reason = "ResourceQuota";
  risk.message = "short of 30";
  return risk;
}

TEST(ScheduleStatus, tells_its_own_risks_at_most_a_hundred) {
  Stage stage;
  for (int i = 0; i < 120; ++i) stage.plan.risks.push_back(a_risk("t" + std::to_string(1000 + i)));
  stage.plan.risks.push_back(a_risk("aaa", "other"));
  const api::FestivalScheduleStatus status = stage.status("2026-11-06");
  ASSERT_EQ(status.at_risk.size(), 100U);
  EXPECT_EQ(status.at_risk[0].target, "t1000");
  EXPECT_EQ(status.at_risk[0].phase, "diwali peak");
  EXPECT_TRUE(condition(status, "AtRisk").status);
  EXPECT_EQ(condition(status, "AtRisk").reason, "ResourceQuota");
  EXPECT_NE(condition(status, "AtRisk").message.find("t1000 for diwali peak: short of 30"), std::string::npos);
  EXPECT_NE(condition(status, "AtRisk").message.find("97 more"), std::string::npos);
  EXPECT_TRUE(condition(status, "Ready").status) << "a risk is a warning";
}

plan::Contribution voice(const std::string& schedule, const std::string& occurrence, int size, int priority = 0) {
  plan::Contribution contribution;
  contribution.schedule = {"shop", schedule};
  contribution.occurrence = occurrence;
  contribution.phase = "peak";
  contribution.size = size;
  contribution.priority = priority;
  contribution.text = schedule + " " + std::to_string(size);
  return contribution;
}

TEST(ScheduleStatus, tells_where_another_voice_outdoes_its_own) {
  struct Row {
    const char* what;
    std::vector<plan::Contribution> voices;
    const char* winner;  ///< null: no loss
  };
  const Row table[] = {
      {"alone", {voice("diwali", "diwali", 60)}, nullptr},
      {"larger", {voice("sale", "black-friday", 90), voice("diwali", "diwali", 60)}, "sale black-friday peak"},
      {"by priority", {voice("sale", "bf", 30, 5), voice("diwali", "diwali", 60)}, "sale bf peak"},
      {"equal", {voice("sale", "bf", 60), voice("diwali", "diwali", 60)}, nullptr},
      {"it wins", {voice("diwali", "diwali", 60), voice("sale", "bf", 30)}, nullptr},
      {"another occurrence of its own",
       {voice("diwali", "holi", 90), voice("diwali", "diwali", 60)},
       "diwali holi peak"},
      {"the phase before in the same occurrence",
       {voice("diwali", "diwali", 90), voice("diwali", "diwali", 60)},
       nullptr},
      {"others among themselves", {voice("sale", "bf", 90), voice("eid", "eid", 60)}, nullptr},
  };
  for (const Row& row : table) {
    Stage stage;
    stage.plan.result.decisions[0].contributions = row.voices;
    const auto losers = stage.status("2026-11-08").losers;
    ASSERT_EQ(losers.size(), row.winner == nullptr ? 0U : 1U) << row.what;
    if (row.winner != nullptr) {
      EXPECT_EQ(losers[0].winner, row.winner) << row.what;
      EXPECT_EQ(losers[0].target, "web");
    }
  }
}

TEST(ScheduleStatus, says_which_phases_overlap_for_which_target) {
  Stage stage;
  stage.plan.result.decisions[0].overlapping_phases = {"shop/diwali diwali: peak and rush", "shop/other x: a and b"};
  const auto status = stage.status("2026-11-08");
  EXPECT_TRUE(condition(status, "PhasesOverlap").status);
  EXPECT_NE(condition(status, "PhasesOverlap").message.find("diwali: peak and rush (web)"), std::string::npos);
  EXPECT_EQ(condition(status, "PhasesOverlap").message.find("a and b"), std::string::npos);
}

TEST(ScheduleStatus, switches_that_cannot_be_set_make_it_not_ready) {
  Stage stage;
  stage.switch_problems = {"ConfigMap shop/flags in region chennai: the region does not answer now"};
  const auto status = stage.status("2026-11-08");
  EXPECT_FALSE(condition(status, "Ready").status);
  EXPECT_TRUE(condition(status, "SwitchesPending").status);
  EXPECT_NE(condition(status, "Ready").message.find("chennai"), std::string::npos);
}

TEST(ScheduleStatus, names_receivers_that_the_operator_does_not_know) {
  Stage stage;
  stage.builder.spec().phases[1].notify = {{"on-call", "", ""}, {"pager", "", ""}};
  const std::vector<Receiver> known = {{"pager", Receiver::Type::Webhook, {}}};
  stage.unknown = unknown_receivers(stage.builder.spec(), known);
  EXPECT_EQ(stage.unknown, std::vector<std::string>{"on-call"});
  EXPECT_TRUE(condition(stage.status("2026-11-08"), "ReceiverUnknown").status);
}

std::vector<std::string> reasons(const std::vector<runtime::EventText>& events) {
  std::vector<std::string> all;
  for (const runtime::EventText& event : events) all.push_back(event.reason);
  return all;
}

TEST(ScheduleEvents, tell_each_boundary_and_lead_once) {
  Stage stage;
  stage.looked_until = ist("2026-11-06 23:59:59");
  stage.before = stage.status("2026-11-06 23:59:59");
  stage.started = {{"shop/diwali", "diwali", "peak", ist("2026-11-06 23:40:00")}};
  const ScheduleReport report = stage.report("2026-11-07 00:00:01");
  EXPECT_EQ(reasons(schedule_events(stage.before, report)),
            (std::vector<std::string>{"LeadStarted", "PhaseEnded", "PhaseStarted"}));
  stage.before = report.status;
  stage.looked_until = ist("2026-11-07 00:00:01");
  EXPECT_TRUE(schedule_events(stage.before, stage.report("2026-11-07 00:00:02")).empty());
}

TEST(ScheduleEvents, warn_of_more_than_a_minute_and_of_what_was_missed) {
  Stage stage;
  stage.looked_until = ist("2026-11-06");
  stage.before = stage.status("2026-11-06");
  const auto tell = [&](const char* civil) {
    std::vector<std::string> all = reasons(schedule_events(stage.before, stage.report(civil)));
    std::erase(all, "PhaseEnded");
    std::erase(all, "PhaseStarted");
    return all;
  };
  EXPECT_EQ(tell("2026-11-07 00:01:00"), std::vector<std::string>{});
  EXPECT_EQ(tell("2026-11-07 00:01:01"), std::vector<std::string>{"Late"});
  stage.looked_until.reset();
  EXPECT_EQ(tell("2026-11-07 00:00:30"), std::vector<std::string>{"BoundariesMissed"});
}

TEST(ScheduleEvents, warn_when_something_gets_out_of_order_and_tell_when_it_is_back) {
  Stage stage;
  const api::FestivalScheduleStatus fine = stage.status("2026-11-06");
  stage.plan.risks = {a_risk("web")};
  stage.before = fine;
  ScheduleReport report = stage.report("2026-11-06");
  EXPECT_EQ(reasons(schedule_events(fine, report)), std::vector<std::string>{"AtRisk"});
  const api::FestivalScheduleStatus one = report.status;
  stage.plan.risks.push_back(a_risk("worker"));
  stage.before = one;
  report = stage.report("2026-11-06");
  EXPECT_EQ(reasons(schedule_events(one, report)), std::vector<std::string>{"AtRisk"}) << "one more";
  const api::FestivalScheduleStatus two = report.status;
  EXPECT_TRUE(schedule_events(two, {two, {}, 0}).empty());
  EXPECT_EQ(reasons(schedule_events(two, {fine, {}, 0})), std::vector<std::string>{"AtRiskOver"});
}

TEST(ScheduleAlerts, hold_a_phases_notifications_active_while_it_holds) {
  Stage stage;
  stage.builder.spec().phases[1].notify = {{"on-call", "war room opens", "critical"}, {"chat", "", ""}};
  stage.recompile();
  const auto alerts = [&](const char* civil) {
    return schedule_alerts(stage.schedule, *stage.compilation.compiled, stage.status(civil), ist(civil));
  };
  EXPECT_TRUE(alerts("2026-11-06").empty());
  const std::vector<Alert> active = alerts("2026-11-08");
  ASSERT_EQ(active.size(), 2U);
  EXPECT_EQ(active[0].receiver, "on-call");
  EXPECT_EQ(active[0].labels, (std::map<std::string, std::string>{{"alertname", "HeadroomFestivalPhase"},
                                                                  {"namespace", "shop"},
                                                                  {"schedule", "diwali"},
                                                                  {"occurrence", "diwali"},
                                                                  {"phase", "peak"},
                                                                  {"severity", "critical"}}));
  EXPECT_EQ(active[0].annotations.at("summary"), "war room opens");
  EXPECT_EQ(active[0].starts_at, ist("2026-11-07"));
  EXPECT_EQ(active[1].labels.at("severity"), "info");
  EXPECT_TRUE(alerts("2026-11-10").empty());
  stage.builder.suspend(api::SuspendMode::Restore);
  stage.recompile();
  EXPECT_TRUE(alerts("2026-11-08").empty());
}

TEST(ScheduleAlerts, tell_every_receiver_of_the_schedule_what_is_at_risk) {
  Stage stage;
  stage.builder.spec().phases[0].notify = {{"chat", "", ""}};
  stage.builder.spec().phases[1].notify = {{"on-call", "", ""}, {"chat", "", ""}};
  stage.recompile();
  stage.plan.risks = {a_risk("web"), a_risk("worker")};
  const auto alerts =
      schedule_alerts(stage.schedule, *stage.compilation.compiled, stage.status("2026-11-04"), ist("2026-11-04"));
  ASSERT_EQ(alerts.size(), 4U);
  for (const Alert& alert : alerts) {
    EXPECT_EQ(alert.labels.at("alertname"), "HeadroomAtRisk");
    EXPECT_EQ(alert.labels.at("reason"), "ResourceQuota");
    EXPECT_EQ(alert.annotations.at("summary"), "short of 30");
  }
}

}  // namespace
}  // namespace headroom::controllers
