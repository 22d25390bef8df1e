// What people get wrong: the API server refuses it, or a condition says what is wrong and what to do; and whatever it
// is, what is right beside it goes on.
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "tests/e2e/shared_home.h"
#include "tests/support/test_monitoring.h"

namespace headroom::e2e {
namespace {

using kube::types::kFestivalSchedule;
using kube::types::kRegion;
using kube::types::kScaleTarget;
using nlohmann::json;

constexpr char kPeak[] = "{name: peak, from: PT0S, to: PT2H, multiplier: 2}";
constexpr char kScale[] = "engine: {type: Scale}";

std::string schedule(const std::string& occurrence, const std::string& phases = kPeak,
                     const std::string& zone = "Asia/Kolkata") {
  return absl::StrCat(
      "apiVersion: headroom.dev/v1alpha1\nkind: FestivalSchedule\nmetadata: {name: bad}\nspec: "
      "{timeZone: ",
      zone, ", occurrences: [{name: day, ", occurrence, "}], phases: [", phases, "]}\n---\n");
}

std::string target(const std::string& spec, const std::string& name = "bad") { return scale_target(name, spec); }

std::string calendar(const std::string& text) {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: holidays}\ndata:\n  holidays.ics: |\n    ",
                      absl::StrJoin(absl::StrSplit(text, '\n'), "\n    "), "\n---\n");
}
constexpr char kFromCalendar[] = "calendarRef: {configMap: holidays, key: holidays.ics}";

/// A Region of the namespace's name that reads this kubeconfig from a Secret of it.
std::string region(const std::string& ns, const std::string& kubeconfig, const std::string& key = "value") {
  return absl::StrCat("apiVersion: v1\nkind: Secret\nmetadata: {name: kubeconfig}\ndata: {", key, ": ",
                      absl::Base64Escape(kubeconfig),
                      "}\n---\napiVersion: headroom.dev/v1alpha1\nkind: "
                      "Region\nmetadata: {name: ",
                      ns,
                      "}\nspec: {cluster: {type: Kubeconfig, kubeconfigSecretRef: "
                      "{namespace: ",
                      ns, ", name: kubeconfig}}}\n---\n");
}

std::string kubeconfig(const std::string& cluster, const std::string& user) {
  return absl::StrCat(
      "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: k, cluster: {server: "
      "'https://127.0.0.1:9', ",
      cluster, "}}]\nusers: [{name: u, user: {", user, "}}]\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n");
}

// --- what the API server refuses ---

struct Refusal {
  const char* what;
  std::string yaml;
  std::vector<std::string> says;  ///< the field first
};

std::vector<Refusal> refusals() {
  std::string phases;
  for (int i = 0; i < 1000; ++i) {
    absl::StrAppend(&phases, i > 0 ? ", " : "", "{name: p", i, ", from: PT", i, "H, to: PT", i + 1, "H, add: 1}");
  }
  return {
      {"an unknown time zone",
       schedule("day: 2026-11-08", kPeak, "Asia/Calcuta"),
       {"spec.timeZone", "must name a zone of the IANA database, such as Asia/Kolkata"}},
      {"a day that does not exist",
       schedule("day: 2027-02-30"),
       {"spec.occurrences[0].day", "must be a day that the calendar has, written like 2026-11-08"}},
      {"a phase that ends before it starts",
       schedule("day: 2026-11-08", "{name: peak, from: P2D, to: P1D, multiplier: 2}"),
       {"spec.phases[0].to", "phase peak must end after it starts, but to P1D is not after from P2D"}},
      {"min above max",
       target("replicas: {min: 30, max: 20}"),
       {"spec.replicas.min", "min 30 is above max 20; lower min or raise max"}},
      {"a baseline above max",
       target("replicas: {max: 20, baseline: 25}"),
       {"spec.replicas.baseline", "baseline 25 is above max 20; lower baseline or raise max"}},
      {"a target that follows itself",
       target("replicas: {max: 20}, follow: {target: bad}"),
       {"spec.follow.target", "a target cannot follow itself; name another"}},
      {"a rule of a billion days",
       schedule("start: 2026-01-01, rrule: 'FREQ=DAILY;COUNT=1000000000'"),
       {"spec.occurrences[0].rrule", "COUNT one from 1 to 99999"}},
      {"a rule by the second",
       schedule("start: 2026-01-01, rrule: 'FREQ=SECONDLY'"),
       {"spec.occurrences[0].rrule", "needs FREQ=DAILY, WEEKLY, MONTHLY or YEARLY"}},
      {"more replicas than an integer holds",
       target("replicas: {max: 99999999999}"),
       {"spec.replicas.max", "less than or equal to 1000000"}},
      {"a percentage that overflows",
       schedule("day: 2026-11-08",
                "{name: peak, from: P0D, to: P1D, add: 1}, {name: fall, from: P1D, to: P2D, decay: "
                "{percentPerHour: '1e30'}}"),
       {"spec.phases[1].decay.percentPerHour", "must be above 0 and at most 100"}},
      {"a name that is too long",
       target("replicas: {max: 20}", std::string(254, 'x')),
       {"metadata.name", "must be no more than 253"}},
      {"a thousand phases", schedule("day: 2026-11-08", phases), {"spec.phases", "must have at most 24 items"}},
  };
}

// --- what has to be said in a condition ---

struct Complaint {
  const char* what;  ///< also the namespace's name
  std::string yaml;
  const kube::ResourceType* type;
  std::string name;  ///< empty: the namespace's
  Expected condition;
};

std::vector<Complaint> complaints(const std::string& prometheus) {
  const std::string ca = "certificate-authority-data: " + absl::Base64Escape("no certificate");
  const std::string good_user = "token: t";
  const std::string day = absl::StrCat(
      "instant: '", absl::FormatTime(absl::RFC3339_sec, SharedHome::clock().wall_now(), absl::UTCTimeZone()), "'");
  return {
      {"overlapping-phases",
       schedule(day, "{name: rush, from: PT0S, to: PT3H, multiplier: 2}, {name: peak, from: PT2H, to: PT4H, add: 3}"),
       &kFestivalSchedule,
       "bad",
       {"Ready",
        "False",
        "InvalidSpec",
        {"\"rush\" and spec.phases[1] \"peak\" hold at the same time", "end \"rush\" at PT2H"}}},
      {"two-in-a-circle",
       target("replicas: {max: 20}, follow: {target: b}, engine: {type: Scale}", "a") + deployment("a", 1) +
           target("replicas: {max: 20}, follow: {target: a}, engine: {type: Scale}", "b") + deployment("b", 1),
       &kScaleTarget,
       "b",
       {"FollowIgnored", "True", "FollowCycle", {"a, b follow one another in a circle", "drop spec.follow"}}},
      {"three-in-a-circle",
       target("replicas: {max: 20}, follow: {target: b}, engine: {type: Scale}", "a") + deployment("a", 1) +
           target("replicas: {max: 20}, follow: {target: c}, engine: {type: Scale}", "b") + deployment("b", 1) +
           target("replicas: {max: 20}, follow: {target: a}, engine: {type: Scale}", "c") + deployment("c", 1),
       &kScaleTarget,
       "a",
       {"FollowIgnored", "True", "FollowCycle", {"a, b, c follow one another in a circle", "drop spec.follow"}}},
      {"missing-leader",
       target("replicas: {max: 20}, follow: {target: wrokers}, engine: {type: Scale}") + deployment("bad", 1),
       &kScaleTarget,
       "bad",
       {"FollowIgnored", "True", "LeaderNotFound", {"spec.follow.target wrokers", "correct the name"}}},
      {"missing-workload",
       target(absl::StrCat("replicas: {max: 20}, ", kScale)),
       &kScaleTarget,
       "bad",
       {"Ready",
        "False",
        "TargetNotFound",
        {"Deployment missing-workload/bad does not exist in region local", "create it"}}},
      {"missing-hpa",
       target("replicas: {max: 20}") + deployment("bad", 1),
       &kScaleTarget,
       "bad",
       {"Ready",
        "False",
        "AutoscalerNotFound",
        {"no HorizontalPodAutoscaler scales Deployment missing-hpa/bad", "create one"}}},
      {"kind-without-scale",
       absl::StrCat("apiVersion: headroom.dev/v1alpha1\nkind: ScaleTarget\nmetadata: {name: bad}\nspec: {targetRef: "
                    "{apiVersion: v1, kind: ConfigMap, name: kube-root-ca.crt}, replicas: {max: 20}, ",
                    kScale, "}\n---\n"),
       &kScaleTarget,
       "bad",
       {"Ready", "False", "NoScaleSubresource", {"ConfigMap of v1", "ScaleTargets can name Deployments"}}},
      {"no-such-kind",
       absl::StrCat("apiVersion: headroom.dev/v1alpha1\nkind: ScaleTarget\nmetadata: {name: bad}\nspec: {targetRef: "
                    "{apiVersion: shop.example/v1, kind: Cart, name: bad}, replicas: {max: 20}, ",
                    kScale, "}\n---\n"),
       &kScaleTarget,
       "bad",
       {"Ready", "False", "KindNotServed", {"shop.example/v1", "Cart"}}},
      {"missing-region",
       target(absl::StrCat("region: atlantis, replicas: {max: 20}, ", kScale)) + deployment("bad", 1),
       &kScaleTarget,
       "bad",
       {"Ready", "False", "RegionUnavailable", {"there is no Region atlantis", "create it, or correct spec.region"}}},
      {"kubeconfig-with-exec",
       region("kubeconfig-with-exec", kubeconfig("",
                                                 "exec: {apiVersion: client.authentication.k8s.io/v1, command: "
                                                 "/usr/bin/steal, interactiveMode: Never}")),
       &kRegion,
       "",
       {"Ready",
        "False",
        "KubeconfigInvalid",
        {"Secret kubeconfig-with-exec/kubeconfig key 'value'", "/usr/bin/steal", "allow"}}},
      {"kubeconfig-with-insecure-tls",
       region("kubeconfig-with-insecure-tls", kubeconfig("insecure-skip-tls-verify: true", good_user)),
       &kRegion,
       "",
       {"Ready", "False", "KubeconfigInvalid", {"insecure-skip-tls-verify", "certificate-authority-data"}}},
      {"kubeconfig-of-garbage",
       region("kubeconfig-of-garbage", "\x01\x02 {{{"),
       &kRegion,
       "",
       {"Ready", "False", "KubeconfigInvalid", {"this is no kubeconfig", "clusters, users, contexts"}}},
      {"kubeconfig-with-bad-certificate",
       region("kubeconfig-with-bad-certificate", kubeconfig(ca, good_user)),
       &kRegion,
       "",
       {"Ready", "False", "KubeconfigInvalid", {"certificate-authority-data"}}},
      {"kubeconfig-under-another-key",
       region("kubeconfig-under-another-key", kubeconfig("", good_user), "kubeconfig"),
       &kRegion,
       "",
       {"Ready", "False", "SecretKeyMissing", {"key 'value' is missing: the Secret has kubeconfig"}}},
      {"kubeconfig-secret-missing",
       "apiVersion: headroom.dev/v1alpha1\nkind: Region\nmetadata: {name: kubeconfig-secret-missing}\nspec: {cluster: "
       "{type: Kubeconfig, kubeconfigSecretRef: {namespace: kubeconfig-secret-missing, name: nowhere}}}\n---\n",
       &kRegion,
       "",
       {"Ready", "False", "SecretNotFound", {"Secret kubeconfig-secret-missing/nowhere does not exist", "create it"}}},
      {"broken-calendar",
       calendar("BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:2026-13-45\nSUMMARY:Diwali\n"
                "END:VEVENT\nEND:VCALENDAR") +
           schedule(kFromCalendar),
       &kFestivalSchedule,
       "bad",
       {"Ready",
        "False",
        "CalendarUnavailable",
        {"ConfigMap broken-calendar/holidays key 'holidays.ics'", "Diwali", "DTSTART is not a date"}}},
      {"calendar-by-the-second",
       calendar(
           "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T000000Z\nDTSTART:20260101T000000Z\n"
           "RRULE:FREQ=SECONDLY;COUNT=1000000000\nSUMMARY:Diwali\nEND:VEVENT\nEND:VCALENDAR") +
           schedule(kFromCalendar),
       &kFestivalSchedule,
       "bad",
       {"Ready", "False", "CalendarUnavailable", {"calendar-by-the-second/holidays", "FREQ=SECONDLY must be DAILY"}}},
      {"missing-calendar",
       schedule(kFromCalendar),
       &kFestivalSchedule,
       "bad",
       {"CalendarUnavailable",
        "True",
        "CalendarUnavailable",
        {"missing-calendar/holidays", "does not exist", "create it"}}},
      {"calendar-under-another-key",
       calendar("BEGIN:VCALENDAR\nEND:VCALENDAR") + schedule("calendarRef: {configMap: holidays, key: days.ics}"),
       &kFestivalSchedule,
       "bad",
       {"CalendarUnavailable",
        "True",
        "CalendarUnavailable",
        {"days.ics", "is missing; the ConfigMap has: holidays.ics"}}},
      {"rule-of-every-day",
       schedule("start: 1901-01-01, rrule: 'FREQ=DAILY;COUNT=99999'"),
       &kFestivalSchedule,
       "bad",
       {"Ready", "True", "Scheduled"}},
      {"rule-of-no-day",
       schedule("start: 2026-01-01, rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30'"),
       &kFestivalSchedule,
       "bad",
       {"Ready", "True", "Ended"}},
      {"malformed-rule",
       schedule("start: 2026-01-01, rrule: 'FREQ=MONTHLY;BYDAY=XX'"),
       &kFestivalSchedule,
       "bad",
       {"Ready", "False", "InvalidSpec", {"spec.occurrences \"day\"", "BYDAY", "XX"}}},
      {"promql-with-a-syntax-error",
       absl::StrCat(prometheus,
                    target("region: measured, replicas: {max: 20}, engine: {type: Scale}, rules: [{name: depth, query: "
                           "'sum(queue_depth', above: 10, step: {pods: 1}}]"),
                    deployment("bad", 1)),
       &kScaleTarget,
       "bad",
       {"MetricsUnavailable", "True", "NoAnswer", {"depth", "parse error"}}},
      {"promql-without-a-number",
       absl::StrCat(target("region: measured, replicas: {max: 20}, engine: {type: Scale}, rules: [{name: depth, query: "
                           "'broken', above: 10, step: {pods: 1}}]"),
                    deployment("bad", 1)),
       &kScaleTarget,
       "bad",
       {"MetricsUnavailable", "True", "NoAnswer", {"depth", "NaN"}}},
      {"metrics-without-a-server",
       absl::StrCat(target("replicas: {max: 20}, engine: {type: Scale}, rules: [{name: depth, query: 'up', above: 10, "
                           "step: {pods: 1}}]"),
                    deployment("bad", 1)),
       &kScaleTarget,
       "bad",
       {"MetricsUnavailable", "True", "NoAnswer", {"depth", "Region", "spec.metrics"}}},
      {"quantity-that-overflows",
       absl::StrCat(target("replicas: {max: 20}, engine: {type: Scale}"), deployment("bad", 3),
                    schedule(day, "{name: peak, from: -PT1H, to: PT9H, multiplier: '9E', targets: {names: [bad]}}")),
       &kScaleTarget,
       "bad",
       {"Capped", "True", "Maximum", {"20 decided", "capped by max 20"}}},
      {"selector-of-nothing",
       schedule(day, "{name: peak, from: -PT1H, to: PT9H, add: 1, targets: {selector: {matchLabels: {tier: wbe}}}}"),
       &kFestivalSchedule,
       "bad",
       {"NoTargets",
        "True",
        "NothingSelected",
        {"no ScaleTarget in this namespace is selected", "check names, labels"}}},
      {"name-of-253-characters",
       deployment("bad", 1) +
           absl::StrCat(
               "apiVersion: headroom.dev/v1alpha1\nkind: ScaleTarget\nmetadata: {name: ", std::string(253, 'x'),
               "}\nspec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: nowhere}, replicas: {max: 20}, ",
               kScale, "}\n---\n"),
       &kScaleTarget,
       std::string(253, 'x'),
       {"Ready", "False", "TargetNotFound", {"does not exist"}}},
  };
}

class BadInput : public SharedHome {
 protected:
  /// Those of Regions, each in its own namespace.
  void let_read_secrets(const std::vector<Complaint>& rows) {
    nlohmann::json secrets;
    for (const Complaint& row : rows) {
      if (row.type != &kRegion) continue;
      enter(row.what);
      secrets.push_back({{"namespace", row.what}, {"names", {"kubeconfig", "nowhere"}}});
    }
    home().rights().allow({{"operator", {{"secrets", secrets}}}});
  }
  /// What is right: a target and a schedule whose phase begins an hour after `now`.
  std::string healthy(absl::Time now) {
    return absl::StrCat(
        deployment("web", 4), scale_target("web", "replicas: {max: 20, baseline: 4}, engine: {type: Scale}"),
        festival("diwali", "{name: peak, from: PT0S, to: PT30M, multiplier: 3, targets: {names: [web]}}", "",
                 now + absl::Hours(1)));
  }
};

TEST_F(BadInput, is_refused_by_the_api_server_in_words_that_name_the_field_and_the_remedy) {
  for (const Refusal& row : refusals()) {
    SCOPED_TRACE(row.what);
    const std::string answer = refusal_of(row.yaml);
    for (const std::string& words : row.says) {
      EXPECT_NE(answer.find(words), std::string::npos)
          << "does not say \"" << words << "\": " << answer.substr(0, 2000);
    }
  }
}

TEST_F(BadInput, is_complained_of_in_a_condition_and_harms_nothing_beside_it) {
  const headroom::testing::TestMonitoring monitoring("e2e-bad-input",
                                                     headroom::testing::TestMonitoring::With::Prometheus);
  monitoring.set_metrics("broken NaN\n");
  const std::string measured = absl::StrCat(
      "apiVersion: headroom.dev/v1alpha1\nkind: Region\nmetadata: {name: measured}\n"
      "spec: {metrics: {url: '",
      monitoring.prometheus_url(), "'}}\n---\n");
  const absl::Time now = clock().wall_now();
  const std::vector<Complaint> rows = complaints(measured);
  let_read_secrets(rows);
  for (const Complaint& row : rows) {
    SCOPED_TRACE(row.what);
    enter(row.what);
    apply(row.yaml + healthy(now));
  }
  for (const Complaint& row : rows) {
    SCOPED_TRACE(row.what);
    enter(row.what);
    const std::string name = row.name.empty() ? row.what : row.name;
    EXPECT_TRUE(has(*row.type, name, row.condition));
    EXPECT_TRUE(has(kFestivalSchedule, "diwali", {"Ready", "True", "Scheduled"}));
    EXPECT_TRUE(has_replicas("web", 4));
  }
  EXPECT_TRUE(settles());
  clock().advance(absl::Hours(1));
  for (const Complaint& row : rows) {
    SCOPED_TRACE(row.what);
    enter(row.what);
    EXPECT_TRUE(has_replicas("web", 12));
    // Late by the fake clock: not at all, whatever else had to be worked on.
    EXPECT_TRUE(has(kFestivalSchedule, "diwali", {"Ready", "True", "Active"}));
  }
  clock().advance(absl::Hours(1));
  for (const Complaint& row : rows) {
    SCOPED_TRACE(row.what);
    enter(row.what);
    EXPECT_TRUE(has_replicas("web", 4));
  }
  for (const Complaint& row : rows) {
    if (row.type == &kRegion) home().kubectl(absl::StrCat("delete region ", row.what, " --wait=false"));
  }
}

}  // namespace
}  // namespace headroom::e2e
