// The tool as people call it: arguments in, text and exit code out, on the samples and without a cluster.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "operator/cli/application.h"
#include "tests/support/civil.h"

namespace headroom::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kSample[] = "manifests/samples/whatsapp-erp";

struct Answer {
  ExitCode code = ExitCode::Fine;
  std::string out, errors;
};

Answer call(const std::vector<std::string>& arguments, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out, errors;
  Console console{in, out, errors, false, false, [] { return testing_support::ist("2026-11-22"); }};
  Answer answer;
  answer.code = run_tool(arguments, console);
  answer.out = out.str();
  answer.errors = errors.str();
  return answer;
}

TEST(Tool, plans_an_instant_from_files) {
  const Answer answer = call({"plan", "--at", "2027-10-29", "-f", kSample});
  EXPECT_EQ(answer.code, ExitCode::Fine) << answer.errors;
  EXPECT_THAT(answer.out, HasSubstr("At 2027-10-29 00:00:00 +05:30"));
  EXPECT_THAT(answer.out, HasSubstr("capped by max 100 (wanted 300)"));
  EXPECT_THAT(answer.out, HasSubstr("Deployment webhook-workers is not given")) << "assumptions are told";
}

TEST(Tool, takes_times_relative_to_now) {
  const Answer answer = call({"plan", "--from", "+2w", "--to", "+30d", "-f", kSample});
  EXPECT_EQ(answer.code, ExitCode::Fine) << answer.errors;
  EXPECT_THAT(answer.out, HasSubstr("From 2026-12-06 00:00 to 2026-12-22 00:00 +05:30"));
  EXPECT_THAT(call({"simulate", "--to", "+2w", "-f", kSample}).out, HasSubstr("2026-12-06")) << "simulate, too";
  EXPECT_THAT(call({"explain", "webhook-workers", "--at", "+1d12h", "-f", kSample}).out,
              HasSubstr("at 2026-11-23 12:00:00 +05:30"));
}

TEST(Tool, puts_objects_without_a_namespace_into_the_one_that_is_asked_for) {
  // The sample names no namespace, as kubectl -n takes it.
  constexpr char kBare[] = "manifests/samples/one-region";
  const Answer asked = call({"plan", "--at", "2026-11-08", "-n", "shop", "-f", kBare});
  EXPECT_EQ(asked.code, ExitCode::Fine) << asked.errors;
  EXPECT_THAT(asked.out, HasSubstr("shop/web"));
  EXPECT_THAT(asked.out, HasSubstr("diwali peak: 3 x 3 = 9")) << "its schedule is there, too";
  EXPECT_THAT(asked.out, Not(HasSubstr("is not given"))) << "and the autoscaler that tells its size";
  EXPECT_THAT(call({"plan", "--at", "2026-11-08", "-f", kBare}).out, HasSubstr("default/web"));
  EXPECT_THAT(call({"plan", "--at", "2026-11-08", "-A", "-f", kBare}).out, HasSubstr("default/web"));
  EXPECT_THAT(call({"explain", "web", "--at", "2026-11-08", "-n", "shop", "-f", kBare}).out,
              HasSubstr("ScaleTarget shop/web: 9"));
}

TEST(Tool, raises_nothing_where_a_region_does_not_meet_what_a_target_requires) {
  const std::string target =
      "apiVersion: headroom.dev/v1alpha1\nkind: ScaleTarget\nmetadata: {name: web, namespace: shop}\n"
      "spec:\n  region: east\n  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n"
      "  engine: {type: Scale}\n  replicas: {min: 2, max: 9, baseline: 2}\n  requires: {compliance: [EU_GDPR]}\n---\n"
      "apiVersion: headroom.dev/v1alpha1\nkind: FestivalSchedule\nmetadata: {name: fair, namespace: shop}\n"
      "spec:\n  timeZone: UTC\n  occurrences: [{name: one, day: '2026-12-01'}]\n"
      "  phases: [{name: peak, from: P0D, to: P1D, targets: {}, multiplier: 3}]\n";
  const std::string region =
      "---\napiVersion: headroom.dev/v1alpha1\nkind: Region\nmetadata: {name: east}\n"
      "spec: {cluster: {type: Local}, compliance: [CCPA]}\n";
  const Answer refused = call({"simulate", "--to", "+30d", "--strict", "-f", "-"}, target + region);
  EXPECT_EQ(refused.code, ExitCode::Attention) << refused.errors;
  EXPECT_THAT(refused.out, HasSubstr("shop/web: nothing is raised for it: Region east does not meet spec.requires"));
  EXPECT_THAT(call({"plan", "--at", "2026-12-01T12:00", "-f", "-"}, target + region).out,
              HasSubstr("may not hold more than 2"));
  const Answer unknown = call({"simulate", "--to", "+30d", "--strict", "-f", "-"}, target);
  EXPECT_EQ(unknown.code, ExitCode::Fine) << unknown.out;
  EXPECT_THAT(unknown.out, HasSubstr("Region east is not given; what it can carry"))
      << "it says what it could not judge";
}

TEST(Tool, counts_pods_that_a_quota_among_the_files_does_not_admit) {
  const std::string objects =
      "apiVersion: headroom.dev/v1alpha1\nkind: ScaleTarget\nmetadata: {name: web, namespace: shop}\n"
      "spec:\n  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n"
      "  engine: {type: Scale}\n  replicas: {min: 2, max: 9, baseline: 2}\n---\n"
      "apiVersion: headroom.dev/v1alpha1\nkind: FestivalSchedule\nmetadata: {name: fair, namespace: shop}\n"
      "spec:\n  timeZone: UTC\n  occurrences: [{name: one, day: '2026-12-01'}]\n"
      "  phases: [{name: peak, from: P0D, to: P1D, targets: {}, multiplier: 3}]\n---\n"
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
      "spec: {replicas: 2, template: {spec: {containers: [{resources: {requests: {cpu: 500m}}}]}}}\n---\n"
      "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: compute}\nspec: {hard: {requests.cpu: ";
  const Answer enough = call({"simulate", "--to", "+30d", "--strict", "-n", "shop", "-f", "-"}, objects + "3}}\n");
  EXPECT_EQ(enough.code, ExitCode::Fine) << enough.out << enough.errors;
  const Answer few = call({"simulate", "--to", "+30d", "--strict", "-n", "shop", "-f", "-"}, objects + "2}}\n");
  EXPECT_EQ(few.code, ExitCode::Attention) << few.out << few.errors;
  EXPECT_THAT(few.out, HasSubstr("requests.cpu 3 of 2, 2 pods of shop/web do not fit; raise it by 1"));
}

TEST(Tool, takes_global_flags_before_and_after_the_command) {
  const Answer before = call({"-o", "json", "plan", "--at", "2027-10-29", "-f", kSample});
  const Answer after = call({"plan", "--at", "2027-10-29", "-f", kSample, "-o", "json"});
  EXPECT_EQ(before.code, ExitCode::Fine) << before.errors;
  EXPECT_EQ(before.out, after.out);
  EXPECT_TRUE(before.out.starts_with("{"));
}

TEST(Tool, plans_the_next_occurrence_of_a_schedule_by_default) {
  const Answer answer = call({"plan", "diwali-playbook", "-f", kSample});
  EXPECT_EQ(answer.code, ExitCode::Fine) << answer.errors;
  EXPECT_THAT(answer.out, HasSubstr("From 2027-10-21 00:00 to 2027-11-02 00:00 +05:30"));
}

TEST(Tool, reads_no_subfolders_unless_told_to) {
  // Below lies another calendar with the same dates; both at once would overlap.
  const Answer flat = call({"simulate", "-f", kSample, "--from", "2026-11-01", "--to", "2026-11-20"});
  EXPECT_EQ(flat.code, ExitCode::Fine) << flat.errors;
  EXPECT_THAT(flat.out, Not(HasSubstr("OVERLAPS")));
  const Answer deep = call({"simulate", "-R", "-f", kSample, "--from", "2026-11-01", "--to", "2026-11-20"});
  EXPECT_THAT(deep.out, HasSubstr("OVERLAPS")) << deep.errors;
}

TEST(Tool, simulates_a_year_with_peaks_and_steps) {
  const Answer answer = call({"simulate", "-f", kSample, "--from", "2027-01-10", "--to", "2028-01-09"});
  EXPECT_EQ(answer.code, ExitCode::Fine) << answer.errors;
  EXPECT_THAT(answer.out, HasSubstr("9 targets, 2 schedules"));
  EXPECT_THAT(answer.out, HasSubstr("whatsapp-erp/webhook-workers"));
}

TEST(Tool, counts_the_changes_of_a_range_alike_whether_it_is_to_come_or_over) {
  // The playbook's rises, its steps down and its end.
  const Answer over = call({"simulate", "-f", kSample, "--from", "2026-11-01", "--to", "2026-11-20"});
  const Answer to_come = call({"simulate", "-f", kSample, "--from", "2027-10-22", "--to", "2027-11-10"});
  EXPECT_THAT(over.out, HasSubstr(" 11 instants at which something changes")) << over.errors;
  EXPECT_THAT(to_come.out, HasSubstr(" 11 instants at which something changes")) << to_come.errors;
}

TEST(Tool, lints_files_and_ends_with_one_where_something_is_wrong) {
  const Answer good = call({"lint", "-f", kSample});
  EXPECT_EQ(good.code, ExitCode::Fine) << good.out << good.errors;
  // Its variants lie in folders below it.
  EXPECT_THAT(good.out, HasSubstr("the same object stands at"));
  EXPECT_EQ(call({"lint", "-f", kSample, "--warnings-as-errors"}).code, ExitCode::Attention);
  const std::string wrong =
      "apiVersion: headroom.dev/v1alpha1\nkind: ScaleTarget\nmetadata: {name: web, namespace: shop}\n"
      "spec:\n  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n"
      "  engine: {type: HorizontalPodAutoscaler}\n  replicas: {min: 10, max: 5}\n";
  const Answer bad = call({"lint", "-f", "-"}, wrong);
  EXPECT_EQ(bad.code, ExitCode::Attention) << bad.errors;
  EXPECT_THAT(bad.out, HasSubstr(":7:")) << "the line of the bounds";
  EXPECT_THAT(call({"lint", "-f", "-", "-o", "sarif"}, wrong).out, HasSubstr("\"version\": \"2.1.0\""));
  EXPECT_THAT(call({"lint", "-f", "-", "-o", "junit"}, wrong).out, HasSubstr("<testsuite"));
  EXPECT_THAT(call({"lint", "-f", "-", "-o", "svg"}, wrong).errors, HasSubstr("none of table, json, sarif, junit"));
}

TEST(Tool, explains_steps_who_spoke_and_what_comes_next) {
  const Answer answer = call({"explain", "webhook-workers", "--at", "2027-10-29", "-f", kSample});
  EXPECT_EQ(answer.code, ExitCode::Fine) << answer.errors;
  EXPECT_THAT(answer.out, HasSubstr("ScaleTarget whatsapp-erp/webhook-workers: 100 at 2027-10-29 00:00:00 +05:30"));
  EXPECT_THAT(answer.out, HasSubstr("capped by max 100 (wanted 300)"));
  EXPECT_THAT(answer.out, HasSubstr("won   diwali-playbook   diwali-2027   peak    300"));
  EXPECT_THAT(answer.out, HasSubstr("2027-10-31 01:00:00 +05:30   100 -> 90"));
}

struct Refusal {
  std::vector<std::string> arguments;
  const char* says;
};

TEST(Tool, refuses_what_makes_no_sense_with_a_remedy_and_exit_code_2) {
  for (const Refusal& refusal : std::vector<Refusal>{
           {{"plan", "--at", "tomorrow", "-f", kSample}, "write 2027-10-29"},
           {{"plan", "--to", "+30days", "-f", kSample}, "--to: '+30days' is no distance from now"},
           {{"simulate", "--from", "+11000d", "-f", kSample},
            "at most ten years; write weeks, days and hours like +2w"},
           {{"plan", "--at", "now", "--from", "now", "-f", kSample}, "use it without --from and --to"},
           {{"plan", "easter", "-f", kSample}, "there are diwali-playbook, new-year"},
           {{"plan", "--at", "now", "-f", kSample, "-o", "svg"}, "give --from and --to"},
           {{"plan", "--at", "now", "-f", kSample, "-o", "pdf"}, "is none of table, wide, json, yaml, ics, svg"},
           {{"plan", "--from", "2027-10-29", "--to", "2027-10-01", "-f", kSample}, "exchange them"},
           {{"plan", "--workloads", "chennai", "-f", kSample}, "is not REGION=PATH"},
           {{"explain", "nobody", "-f", kSample}, "there are whatsapp-erp/chennai-inventory-service"},
           {{"plan", "-f", "/nowhere"}, "/nowhere"},
           {{"simulate"}, "--filename"},
           {{"dance"}, "dance"},
           {{}, "subcommand"}}) {
    const Answer answer = call(refusal.arguments);
    EXPECT_EQ(answer.code, ExitCode::CannotTell) << refusal.says;
    EXPECT_THAT(answer.errors, HasSubstr(refusal.says));
    EXPECT_EQ(answer.out, "") << refusal.says;
  }
}

TEST(Tool, completes_commands_flags_and_values) {
  EXPECT_THAT(call({"__complete", "pl"}).out, HasSubstr("plan\t"));
  EXPECT_THAT(call({"__complete", "pl"}).out, Not(HasSubstr("explain")));
  EXPECT_THAT(call({"__complete", "plan", "--fr"}).out, HasSubstr("--from\t"));
  EXPECT_THAT(call({"__complete", "plan", "--name"}).out, HasSubstr("--namespace\t"));
  EXPECT_THAT(call({"__complete", "plan", "-o", "s"}).out, HasSubstr("svg"));
  EXPECT_EQ(call({"__complete", "plan", "-f", ""}).out, ":0\n") << "files";
  EXPECT_TRUE(call({"__complete", ""}).out.ends_with(":4\n"));
}

TEST(Tool, prints_a_script_for_each_shell) {
  for (const char* shell : {"bash", "zsh", "fish", "kubectl"}) {
    const Answer answer = call({"completion", shell});
    EXPECT_EQ(answer.code, ExitCode::Fine);
    EXPECT_THAT(answer.out, HasSubstr("__complete"));
  }
  EXPECT_EQ(call({"completion", "dos"}).code, ExitCode::CannotTell);
}

TEST(Tool, prints_version_and_help) {
  EXPECT_EQ(call({"--version"}).out, std::string("headroom ") + HEADROOM_VERSION + "\n");
  EXPECT_THAT(call({"--help"}).out, HasSubstr("Exit codes: 0 done or fine; 1"));
}

}  // namespace
}  // namespace headroom::cli
