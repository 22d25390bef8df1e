// What people get wrong, each found at its place. In the replacement § marks the place that must be named; it is taken
// out before the text is read.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/lint/shop.h"

namespace headroom::lint {
namespace {

using Severity = Finding::Severity;

struct Mistake {
  const char* part;         ///< of the shop
  const char* replacement;  ///< with § where it is found
  const char* rule;
  const char* message;  ///< a part
};

// --- what is not even YAML, or not an object ---
constexpr Mistake kUnreadable[] = {
    {"  cluster: {type: Local}", "§\tcluster: {type: Local}", "manifest", "a tab indents this line"},
    {"    staleness: 5m", "    staleness: 5m\n    §staleness: 6m", "manifest", "stands here twice, first at line 12"},
    {"    min: 2\n", "    min: §{{ .Values.min }}\n", "manifest", "template of a Helm chart"},
    {"apiVersion: headroom.dev/v1alpha1\nkind: FestivalSchedule\n", "§apiVersion: headroom.dev/v1alpha1\n", "manifest",
     "kind is missing"},
    {"    query: sum(queue_length)", "    query: §\"sum(queue_length)", "manifest", ""},
};

// --- kinds ---
constexpr Mistake kKinds[] = {
    {"kind: FestivalSchedule", "kind: §FestivalShedule", "unknown-kind", "did you mean FestivalSchedule?"},
    {"apiVersion: headroom.dev/v1alpha1\nkind: Region", "apiVersion: §headroom.dev/v1beta1\nkind: Region",
     "unknown-kind", "there is no version v1beta1 of Region; write headroom.dev/v1alpha1"},
    {"apiVersion: headroom.dev/v1alpha1\nkind: Region", "apiVersion: §headroom.io/v1alpha1\nkind: Region",
     "unknown-kind", "did you mean headroom.dev/v1alpha1?"},
};

// --- schema ---
constexpr Mistake kSchema[] = {
    {"    baseline: 10", "    §baselin: 10", "schema/unknown-field",
     "unknown field \"spec.replicas.baselin\"; did you mean baseline?"},
    {"  timeZone: Asia/Kolkata", "  §timezone: Asia/Kolkata", "schema/unknown-field", "did you mean timeZone?"},
    {"    multiplier: 2", "    §multiplyer: 2", "schema/unknown-field", "did you mean multiplier?"},
    {"  labels: {tier: web}", "  §lables: {tier: web}", "schema/unknown-field", "did you mean labels?"},
    {"  replicas: {max: 40}", "  §replicas: {min: 1}", "schema/required", "Required value; add max"},
    {"    - name: bytes\n      path: .spec.sizeBytes\n", "    - §name: bytes\n", "schema/required",
     "Required value; add path"},
    {"    max: 50", "    max: §\"50\"", "schema/type", "must be of type integer, not string; write it without quotes"},
    {"    max: 50", "    max: §50.5", "schema/type", "must be of type integer, not number"},
    {"    max: 50", "    max: §-1", "schema/range", "greater than or equal to 1"},
    {"    max: 50", "    max: §99999999", "schema/range", "less than or equal to 1000000"},
    {"    max: 50", "    max: §many", "schema/type", "must be of type integer"},
    {"  region: mumbai\n  targetRef:\n", "  region: §yes\n  targetRef:\n", "schema/type",
     "must be of type string, not boolean; quote it: \"true\""},
    {"    level: Yellow", "    level: §yellow", "schema/enum", "did you mean Yellow?"},
    {"    type: Scale\n", "    type: §HPA\n", "schema/enum", "supported values: \"HorizontalPodAutoscaler\""},
    {"operations: [CREATE, UPDATE]", "operations: [CREATE, §PATCH]", "schema/enum", "Unsupported value: \"PATCH\""},
    {"operations: [CREATE, UPDATE]", "operations: §CREATE", "schema/type", "must be of type array"},
    {"  region: mumbai\n  targetRef:\n", "  region: §Mumbai\n  targetRef:\n", "schema/pattern", "should match"},
    {"    apiVersion: apps/v1\n", "    apiVersion: §apps\n", "schema/pattern", "should match"},
    {"5m\n  compliance: [INDIA_IT_ACT]\n", "5m\n  compliance: [INDIA_IT_ACT, §INDIA_IT_ACT]\n", "schema/duplicate",
     "Duplicate value"},
    {"  - name: pods\n    hard: 200", "  - name: pods\n    hard: 200\n  - §name: pods\n    hard: 3", "schema/duplicate",
     "it is that of spec.capacity[0]; rename or remove one"},
    {"  - name: peak\n", "  - §name: before\n", "schema/duplicate", "it is that of spec.phases[0]"},
    {"  name: orders\n", "  name: §Orders\n", "schema/metadata", "write orders"},
    {"  labels: {tier: worker}", "  labels: {tier: §\"a worker\"}", "schema/metadata", "a label is at most 63"},
    {"  labels: {tier: worker}", "  labels: {tier: §5}", "schema/type", "quote it: \"5\""},
    {"    percent: 80", "    percent: §0", "schema/range", "greater than or equal to 1"},
};

// --- the definitions' own rules ---
constexpr Mistake kRules[] = {
    {"    min: 2\n", "    min: §60\n", "schema/rule", "min 60 is above max 50; lower min or raise max"},
    {"    baseline: 10", "    baseline: §60", "schema/rule", "baseline 60 is above max 50"},
    {"    below: 100", "    below: §2000", "schema/rule", "rule queue would rise and fall at once"},
    {"    ratio: \"0.5\"", "    ratio: §\"half\"", "schema/rule", "must be a quantity above 0"},
    {"    target: web\n", "    target: §worker\n", "schema/rule", "a target cannot follow itself"},
    {"    for: 5m", "    for: §5 minutes", "schema/rule", "must be a duration of at most 168h"},
    {"    kind: Deployment\n", "    kind: §HorizontalPodAutoscaler\n", "schema/rule",
     "the autoscaler that scales it goes to engine"},
    {"    type: Scale\n", "    type: §Field\n    field: {path: .spec.replicas}\n", "schema/rule",
     "engine Field is for custom resources"},
    {"Asia/Kolkata", "§Asia/Calcuta", "schema/rule", "must name a zone of the IANA database"},
    {"day: 2026-11-08", "day: §2026-11-31", "schema/rule", "must be a day that the calendar has"},
    {"  - name: this-year\n", "  - §name: this-year\n    start: 2026-11-08\n", "schema/rule",
     "start and exdates belong to rrule"},
    {"FREQ=WEEKLY;", "§FREQ=HOURLY;", "schema/rule", "needs FREQ=DAILY"},
    {"    to: P1D", "    to: §-P2D", "schema/rule", "phase peak must end after it starts"},
    {"    from: -P1D", "    from: §3 days before", "schema/pattern", ""},
    {"    add: 20\n", "    add: 20\n    replicas: 5\n", "schema/rule", "phase peak may have only one of"},
    {"    add: 20\n", "", "schema/rule", "phase peak names targets but asks them for nothing"},
    {"    hard: 10G", "    hard: §lots", "schema/rule", "must be a quantity that is not negative"},
    {"    resumeBelow: 5", "    resumeBelow: §50", "schema/rule", "resumeBelow 50 is above max 10"},
    {"    action: Notify", "    action: §None", "schema/rule", "escalates but its action is None"},
    {"    url: http://prometheus.monitoring:9090", "    url: §prometheus:9090", "schema/rule",
     "must be an http or https URL"},
    {"      timeout: 3s", "      timeout: §30s", "schema/rule", "timeout 30s is longer than interval 10s"},
    {"      type: HTTP\n", "      type: TCP\n", "schema/rule", "http.url belongs to type HTTP"},
    {"      version: v1\n", "      version: §\"*\"\n", "schema/rule", "wildcards are not taken"},
    {"    - group: shop.example.com", "    - group: §headroom.dev", "schema/rule",
     "would stand in the way of limits themselves"},
};

// --- what other objects have to do with it ---
constexpr Mistake kTogether[] = {
    {"  region: mumbai\n  targetRef:\n", "  region: §mumbay\n  targetRef:\n", "doubtful", "there is no Region mumbay"},
    {"    target: web\n", "    target: §wep\n", "doubtful", "there is no ScaleTarget wep"},
    {"      names: [web]", "      §names: [wep]", "doubtful", "there is no ScaleTarget wep in namespace shop"},
    {"    targets:\n      selector: {matchLabels: {tier: web}}",
     "    §targets:\n      selector: {matchLabels: {tier: wbe}}", "doubtful",
     "selects no ScaleTarget of namespace shop"},
    {"  - name: pods\n    perReplica: 1", "  - name: §pod\n    perReplica: 1", "doubtful", "declares no capacity pod"},
    {"  metrics:\n    url: http://prometheus.monitoring:9090\n    staleness: 5m\n", "", "doubtful",
     "names no Prometheus"},
    {"    to: P0D\n", "    to: PT1H\n", "overlap", "phases before and peak overlap for ScaleTarget web"},
    {"key: india.ics, ", "key: §indian.ics, ", "calendar", "ConfigMap shop/holidays has no key indian.ics"},
    {"    END:VEVENT\n", "", "calendar", "could not read this calendar"},
    {"summary: Holi}", "summary: Onam}", "calendar", "has no event \"Onam\""},
    {"  targetRef: {apiVersion: apps/v1, kind: Deployment, name: worker}\n  replicas: {max: 40}",
     "  §targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n  replicas: {max: 40}", "doubtful",
     "they would overwrite each other"},
    {"name: web}\n  minReplicas: 2", "name: worker}\n  minReplicas: 2", "rival-scaler",
     "would not be written (condition RivalScaler)"},
    {"metadata: {name: worker, namespace: shop}",
     "metadata: {name: worker, namespace: shop}\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n"
     "metadata: {name: web-2, namespace: shop}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: "
     "web}}",
     "ambiguous-scaler", "HorizontalPodAutoscalers web, web-2 all scale web"},
    {"  name: worker\n  namespace: shop\n", "  name: §web\n  namespace: shop\n", "twice",
     "whichever is applied last counts"},
};

struct Marked {
  std::string text;
  int line = 0, column = 0;  ///< 0: not marked
};

Marked marked(std::string text) {
  constexpr char kMark[] = "§";
  const std::size_t at = text.find(kMark);
  if (at == std::string::npos) return {text};
  const std::string before = text.substr(0, at);
  const std::size_t line_begin = before.rfind('\n');
  return {text.replace(at, sizeof kMark - 1, ""), static_cast<int>(std::ranges::count(before, '\n')) + 1,
          static_cast<int>(before.size() - (line_begin == std::string::npos ? 0 : line_begin + 1)) + 1};
}

std::string all_of(const Report& report) { return format(report, Format::Text); }

void expect_found(const Mistake& mistake) {
  const Marked spoilt = marked(spoiled(mistake.part, mistake.replacement));
  const Report report = lint_text(spoilt.text);
  const bool found = std::ranges::any_of(report.findings, [&](const Finding& each) {
    const bool here = spoilt.line == 0 || (each.where.line == spoilt.line && each.where.column == spoilt.column);
    return here && each.rule == mistake.rule &&
           (each.message + "; " + each.remedy).find(mistake.message) != std::string::npos;
  });
  EXPECT_TRUE(found) << mistake.replacement << "\nat " << spoilt.line << ":" << spoilt.column << " finds "
                     << all_of(report);
}

TEST(Lint, finds_nothing_in_what_is_right) {
  const Report report = lint_text(shop());
  EXPECT_TRUE(report.findings.empty()) << all_of(report);
  EXPECT_EQ(report.objects.size(), 6u);
  EXPECT_EQ(report.other_objects, 5u);
  EXPECT_EQ(report.exit_code(true), 0);
}

TEST(Lint, finds_what_is_no_manifest) {
  for (const Mistake& mistake : kUnreadable) expect_found(mistake);
}
TEST(Lint, finds_kinds_that_are_not_there) {
  for (const Mistake& mistake : kKinds) expect_found(mistake);
}
TEST(Lint, finds_what_the_schema_refuses) {
  for (const Mistake& mistake : kSchema) expect_found(mistake);
}
TEST(Lint, finds_what_the_rules_of_the_definitions_refuse) {
  for (const Mistake& mistake : kRules) expect_found(mistake);
}
TEST(Lint, finds_what_does_not_go_together) {
  for (const Mistake& mistake : kTogether) {
    expect_found(mistake);
  }
}

TEST(Lint, knows_at_least_sixty_mistakes) {
  EXPECT_GE(std::size(kUnreadable) + std::size(kKinds) + std::size(kSchema) + std::size(kRules) + std::size(kTogether),
            60u);
}

}  // namespace
}  // namespace headroom::lint
