#include "tests/e2e/shared_home.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <utility>

#include "operator/base/duration.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;
using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

constexpr int kPatience = 25;

std::string temporary_file(const std::string& content) {
  static int count = 0;
  const std::string path = absl::StrCat(testing::TempDir(), "headroom-e2e-", getpid(), "-", ++count, ".yaml");
  std::ofstream(path) << content;
  return path;
}

/// The object, or null: looking for one that is not there is no failure here.
json find(const kube::ResourceType& type, const std::string& ns, const std::string& name) {
  const auto object = SharedHome::home().client().get(type, {type.namespaced ? ns : "", name}, {});
  return object ? object.value() : json();
}

json at(const json& object, const std::string& pointer) {
  const json::json_pointer path(pointer);
  return object.is_object() && object.contains(path) ? object.at(path) : json();
}

json condition_of(const json& object, const std::string& type) {
  const json conditions = at(object, "/status/conditions");
  for (const json& condition : conditions) {
    if (condition.value("type", "") == type) return condition;
  }
  return nullptr;
}

std::string brief(json object) {
  if (object.is_null()) return "nothing";
  object["metadata"].erase("managedFields");
  return object.dump(1);
}

std::unique_ptr<EmbeddedOperator>& running_operator() {
  static std::unique_ptr<EmbeddedOperator> running;
  return running;
}

}  // namespace

std::string deployment(const std::string& name, int replicas, const std::string& pod) {
  return absl::StrCat(
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ", name, "}\nspec: {replicas: ", replicas,
      ", selector: {matchLabels: {app: ", name, "}}, template: {metadata: {labels: {app: ", name,
      "}}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: 'registry.k8s.io/pause:3.10'}]",
      pod.empty() ? "" : ", ", pod, "}}}\n---\n");
}

std::string autoscaler(const std::string& name, const std::string& workload, int min, int max) {
  return absl::StrCat("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: ", name,
                      "}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ", workload,
                      "}, minReplicas: ", min, ", maxReplicas: ", max,
                      ", metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, "
                      "averageUtilization: 60}}}]}\n---\n");
}

std::string scale_target(const std::string& name, const std::string& spec) {
  return absl::StrCat("apiVersion: headroom.dev/v1alpha1\nkind: ScaleTarget\nmetadata: {name: ", name,
                      "}\nspec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: ", name, "}, ", spec,
                      "}\n---\n");
}

Cluster& SharedHome::home() {
  static bool furnished = false;
  Cluster& cluster = Cluster::named("home");
  if (!std::exchange(furnished, true)) {
    cluster.rights().allow(allowed_field(kDatabase, ".spec.instances"));
    cluster.rights().allow(scale_kind(kDatabase));
  }
  return cluster;
}

FakeClock& SharedHome::clock() {
  static FakeClock clock(kolkata("2026-11-08 06:00:00"));
  return clock;
}

EmbeddedOperator& SharedHome::headroom() {
  std::unique_ptr<EmbeddedOperator>& running = running_operator();
  if (!running) {
    controllers::OperatorOptions options;
    options.allowed_fields = {{kDatabase.group, kDatabase.plural, ".spec.instances"}};
    options.query_interval = std::chrono::milliseconds(200);
    running = std::make_unique<EmbeddedOperator>(home(), clock(), options);
  }
  return *running;
}

void SharedHome::TearDownTestSuite() { running_operator().reset(); }

void SharedHome::SetUp() {
  const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
  // A namespace has at most 63 characters.
  std::string name = absl::StrReplaceAll(absl::AsciiStrToLower(test.name()), {{"_", "-"}}).substr(0, 63);
  while (name.ends_with('-')) name.pop_back();
  enter(name);
  headroom();
}

void SharedHome::enter(const std::string& ns) {
  namespace_ = ns;
  if (entered_.insert(ns).second) home().kubectl("create namespace " + ns);
}

void SharedHome::TearDown() {
  home().kubectl("delete namespace --wait=false --ignore-not-found " + absl::StrJoin(entered_, " "));
}

void SharedHome::apply(const std::string& yaml, const std::string& manager) const {
  const std::string file = temporary_file(yaml);
  kubectl(absl::StrCat("apply --server-side --force-conflicts --field-manager=", manager, " -f ", file));
  std::remove(file.c_str());
}

std::string SharedHome::kubectl(const std::string& arguments) const {
  return home().kubectl(absl::StrCat("-n ", namespace_, " ", arguments));
}

std::string SharedHome::refusal_of(const std::string& yaml) const {
  const std::string file = temporary_file(yaml);
  const std::string answer = run(absl::StrCat("sh -c 'hack/cluster kubectl ", home().program_name(), " -n ", namespace_,
                                              " create -f ", file, " 2>&1 && echo TAKEN; true'"));
  std::remove(file.c_str());
  if (answer.ends_with("TAKEN\n")) ADD_FAILURE() << "the API server takes " << yaml;
  return answer;
}

std::string SharedHome::festival(const std::string& name, const std::string& phases, const std::string& spec,
                                 absl::Time day) const {
  return absl::StrCat("apiVersion: headroom.dev/v1alpha1\nkind: FestivalSchedule\nmetadata: {name: ", name,
                      "}\nspec: {timeZone: Asia/Kolkata, occurrences: [{name: day, instant: '", format_rfc3339(day),
                      "'}], phases: [", phases, "]", spec.empty() ? "" : ", ", spec, "}\n---\n");
}

AssertionResult SharedHome::becomes(const kube::ResourceType& type, const std::string& name, const std::string& field,
                                    const json& value) const {
  json object;
  const bool reached = eventually(kPatience, [&] { return at(object = find(type, ns(), name), field) == value; });
  if (reached) return AssertionSuccess();
  return AssertionFailure() << type.kind << " " << name << " has " << field << " " << at(object, field) << ", not "
                            << value << "\n"
                            << brief(object) << "\n"
                            << brief(find(kube::types::kScaleTarget, ns(), name));
}

AssertionResult SharedHome::has(const kube::ResourceType& type, const std::string& name,
                                const Expected& condition) const {
  json object;
  const auto holds = [&] {
    const json found = condition_of(object = find(type, ns(), name), condition.type);
    if (found.is_null() || found.at("status") != condition.status || found.at("reason") != condition.reason) {
      return false;
    }
    const std::string message = found.at("message");
    return std::ranges::all_of(condition.says,
                               [&](const std::string& words) { return absl::StrContains(message, words); });
  };
  if (eventually(kPatience, holds)) return AssertionSuccess();
  return AssertionFailure() << type.kind << " " << name << " has no condition " << condition.type << "="
                            << condition.status << " with reason " << condition.reason << " that says "
                            << json(condition.says) << "\n"
                            << brief(object);
}

AssertionResult SharedHome::lacks(const kube::ResourceType& type, const std::string& name,
                                  const std::string& condition) const {
  json object;
  const auto gone = [&] {
    const json found = condition_of(object = find(type, ns(), name), condition);
    return !object.is_null() && (found.is_null() || found.at("status") != "True");
  };
  if (eventually(kPatience, gone)) return AssertionSuccess();
  return AssertionFailure() << type.kind << " " << name << " still has condition " << condition << "\n"
                            << brief(object);
}

AssertionResult SharedHome::has_event(const std::string& name, const std::string& reason,
                                      const std::string& says) const {
  std::string seen;
  const auto told = [&] {
    seen.clear();
    const auto events = home().client().list(kube::types::kEvent, ns(), {}, {});
    if (!events) return false;
    return std::ranges::any_of(events.value().items, [&](const json& event) {
      if (at(event, "/regarding/name") != name) return false;
      absl::StrAppend(&seen, event.value("reason", ""), ": ", event.value("note", ""), "\n");
      return event.value("reason", "") == reason && absl::StrContains(event.value("note", ""), says);
    });
  };
  if (eventually(kPatience, told)) return AssertionSuccess();
  return AssertionFailure() << "no Event " << reason << " about " << name << " says " << says << "; there are\n"
                            << seen;
}

AssertionResult SharedHome::settles() const {
  if (headroom().get().wait_settled(std::chrono::seconds(kPatience))) return AssertionSuccess();
  return AssertionFailure() << "not settled\n" << kubectl("get scaletargets,festivalschedules -o yaml");
}

AssertionResult SharedHome::has_replicas(const std::string& name, int replicas) const {
  return becomes(kube::types::kDeployment, name, "/spec/replicas", replicas);
}

AssertionResult SharedHome::has_bounds(const std::string& name, int min, int max) const {
  if (auto result = becomes(kube::types::kHorizontalPodAutoscaler, name, "/spec/minReplicas", min); !result) {
    return result;
  }
  return becomes(kube::types::kHorizontalPodAutoscaler, name, "/spec/maxReplicas", max);
}

std::map<std::string, json> SharedHome::workloads_at_rest() const {
  kubectl("wait deployments --all --for=condition=Available --timeout=30s");
  const auto complete = [&] { return !find(kube::types::kConfigMap, ns(), "kube-root-ca.crt").is_null(); };
  EXPECT_TRUE(eventually(kPatience, complete));
  return home().metadata_and_spec(ns());
}

void SharedHome::touch(const kube::ResourceType& type, const std::string& name) const {
  static int count = 0;
  kubectl(absl::StrCat("annotate --overwrite ", type.to_string(), " ", name, " touched=", ++count));
}

}  // namespace headroom::e2e
