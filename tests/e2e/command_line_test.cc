// The tool against a real API server: what it reads is what the operator does, what it changes is what was asked for.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <signal.h>

#include <fstream>
#include <sstream>
#include <stop_token>
#include <thread>

#include "operator/cli/application.h"
#include "tests/e2e/shared_home.h"

namespace headroom::e2e {
namespace {

using cli::ExitCode;
using kube::types::kDeployment;
using kube::types::kScaleTarget;
using nlohmann::json;
using testing::AssertionResult;

struct Answer {
  ExitCode code = ExitCode::Fine;
  std::string out, errors;
};

Answer call(std::vector<std::string> arguments, const std::function<absl::Time()>& now,
            const std::string& kubeconfig = Cluster::named("home").kubeconfig_path()) {
  std::istringstream in;
  std::ostringstream out, errors;
  cli::Console console{in, out, errors, false, false, now};
  arguments.insert(arguments.end(), {"--kubeconfig", kubeconfig});
  Answer answer;
  answer.code = cli::run_tool(arguments, console);
  answer.out = out.str();
  answer.errors = errors.str();
  return answer;
}

AssertionResult tells(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    if (text.find(part) == std::string::npos)
      return testing::AssertionFailure() << "no \"" << part << "\" in\n" << text;
  }
  return testing::AssertionSuccess();
}

class CommandLine : public SharedHome {
 protected:
  static Answer ask(std::vector<std::string> arguments) {
    return call(std::move(arguments), [] { return clock().wall_now(); });
  }
  static Answer ask_by(const std::string& kubeconfig, std::vector<std::string> arguments) {
    return call(
        std::move(arguments), [] { return clock().wall_now(); }, kubeconfig);
  }
  Answer ask_here(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"-n", ns()});
    return ask(std::move(arguments));
  }
  void SetUp() override {
    SharedHome::SetUp();
    apply(deployment("web", 4) + scale_target("web", "replicas: {max: 20, baseline: 4}, engine: {type: Scale}"));
    EXPECT_TRUE(has(kScaleTarget, "web", {"Ready", "True", "AtOriginal", {}}));
  }
  std::string written(const std::string& name, const std::string& content) const {
    const std::string path = absl::StrCat(testing::TempDir(), ns(), "-", name);
    std::ofstream(path) << content;
    return path;
  }
};

TEST_F(CommandLine, plans_what_the_operator_then_does) {
  const absl::Time day = clock().wall_now() + absl::Hours(2);
  apply(festival("diwali", "{name: peak, from: P0D, to: PT1H, multiplier: 3}", "", day));
  EXPECT_TRUE(becomes(kube::types::kFestivalSchedule, "diwali", "/status/targets", 1));
  const Answer planned = ask_here({"plan", "diwali", "--from", "now", "--to", "+4h", "-o", "json"});
  ASSERT_EQ(planned.code, ExitCode::Fine) << planned.errors;
  std::vector<int> sizes;
  const json plan = json::parse(planned.out);
  for (const json& step : plan.at("steps")) sizes.push_back(step.at("replicas"));
  EXPECT_EQ(sizes, (std::vector<int>{4, 12, 4})) << planned.out;

  clock().advance_to(day);
  EXPECT_TRUE(has_replicas("web", 12));
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/status/inForce", 12));
  const Answer explained = ask_here({"explain", "web"});
  EXPECT_EQ(explained.code, ExitCode::Fine) << explained.errors;
  EXPECT_TRUE(
      tells(explained.out, {absl::StrCat("ScaleTarget ", ns(), "/web: 12 at"), "diwali peak: 3 x 4 = 12", "12 -> 4"}));
  // Each reason that the tool gives is one that the operator wrote down.
  const json told = json::parse(ask_here({"explain", "web", "-o", "json"}).out);
  const json status = home().status_of(kScaleTarget, ns(), "web");
  ASSERT_EQ(told.at("steps").size(), status.at("explanation").size());
  for (std::size_t i = 0; i < told.at("steps").size(); ++i) {
    EXPECT_EQ(told["steps"][i]["text"], status["explanation"][i]["text"]);
  }
}

TEST_F(CommandLine, plans_how_many_pods_a_quota_will_not_admit) {
  const absl::Time day = clock().wall_now() + absl::Hours(2);
  apply("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: few}\nspec: {hard: {pods: 10}}\n");
  apply(festival("diwali", "{name: peak, from: P0D, to: PT1H, multiplier: 3}", "", day));
  const Answer planned = ask_here({"plan", "diwali", "--from", "now", "--to", "+4h", "-o", "json"});
  ASSERT_EQ(planned.code, ExitCode::Fine) << planned.errors;
  const json plan = json::parse(planned.out);
  ASSERT_EQ(plan.at("quotas").size(), 1U) << planned.out;
  EXPECT_EQ(plan.at("quotas")[0].at("peak"), "12") << planned.out;
  EXPECT_EQ(plan.at("quotas")[0].at("shortBy"), 2) << planned.out;
  EXPECT_TRUE(tells(planned.out, {absl::StrCat("2 pods of ", ns(), "/web do not fit; raise it by 2")}));
}

TEST_F(CommandLine, suspends_and_resumes_by_its_own_name_and_only_when_told_to) {
  EXPECT_EQ(ask_here({"suspend", "st/web"}).code, ExitCode::CannotTell) << "nobody could be asked";
  EXPECT_EQ(ask_here({"suspend", "st/web", "--yes", "--dry-run"}).code, ExitCode::Fine);
  EXPECT_EQ(home().get(kScaleTarget, ns(), "web").at("spec").value("suspend", "None"), "None");
  const Answer suspended = ask_here({"suspend", "web", "--yes", "--mode", "Restore"});
  EXPECT_EQ(suspended.code, ExitCode::Fine) << suspended.errors;
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/spec/suspend", "Restore"));
  const json object = home().get(kScaleTarget, ns(), "web");
  bool ours = false;
  for (const json& entry : object.at("metadata").at("managedFields")) {
    ours |= entry.at("manager") == "headroom-cli" && entry.at("fieldsV1").dump().find("f:suspend") != std::string::npos;
  }
  EXPECT_TRUE(ours);
  const Answer resumed = ask_here({"resume", "st/web", "-y"});
  EXPECT_EQ(resumed.code, ExitCode::Fine) << resumed.errors;
  EXPECT_TRUE(becomes(kScaleTarget, "web", "/spec/suspend", "None"));
  EXPECT_TRUE(tells(ask_here({"resume", "nobody", "-y"}).errors, {"has no ScaleTarget or FestivalSchedule nobody"}));
}

TEST_F(CommandLine, tells_by_its_exit_code_whether_all_is_well) {
  const Answer alone = ask_here({"status"});
  EXPECT_EQ(alone.code, ExitCode::Attention) << "this operator has no Lease";
  EXPECT_TRUE(tells(alone.out, {"attention: no operator"}));
  const std::string now = absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", clock().wall_now(), absl::UTCTimeZone());
  apply(
      absl::StrCat("apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: a-lease}\nspec: "
                   "{holderIdentity: one, leaseDurationSeconds: 3600, renewTime: '",
                   now, "'}\n"));
  const Answer fine = ask_here({"status", "--system-namespace", ns(), "--lease", "a-lease"});
  EXPECT_EQ(fine.code, ExitCode::Fine) << fine.out << fine.errors;
  EXPECT_TRUE(tells(fine.out, {"fine: 1 targets"}));
  const Answer far = ask({"status", "--context", "no-such"});
  EXPECT_EQ(far.code, ExitCode::CannotTell);
  EXPECT_TRUE(tells(far.errors, {"no-such"}));
  EXPECT_EQ(ask_here({"top", "--rounds", "1"}).code, ExitCode::Attention);
}

TEST_F(CommandLine, says_whether_objects_would_fit_under_a_limit) {
  apply(
      "apiVersion: headroom.dev/v1alpha1\nkind: ScaleLimit\nmetadata: {name: few}\nspec:\n  match:\n    resources: "
      "[{group: '', version: v1, resource: configmaps, operations: [CREATE, UPDATE]}]\n  total: {count: 2}\n");
  const auto maps = [](int count) {
    std::string yaml;
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&yaml, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map-", i, "}\n---\n");
    }
    return yaml;
  };
  const Answer two = ask_here({"limits", "check", "-f", written("two.yaml", maps(2))});
  EXPECT_EQ(two.code, ExitCode::Fine) << two.out << two.errors;
  const Answer three = ask_here({"limits", "check", "-f", written("three.yaml", maps(3))});
  EXPECT_EQ(three.code, ExitCode::Attention) << three.out << three.errors;
  EXPECT_TRUE(tells(three.out, {"they do not fit", absl::StrCat("sl/", ns(), "/few"), "count"}));
  apply(maps(1));
  const Answer again = ask_here({"limits", "check", "-f", written("two.yaml", maps(2))});
  EXPECT_TRUE(tells(again.out, {"they fit"})) << "one is there already, so that one is added";
  EXPECT_TRUE(tells(ask_here({"limits"}).out, {absl::StrCat("sl/", ns(), "/few")}));
}

TEST_F(CommandLine, proves_itself_by_a_program_that_the_kubeconfig_names) {
  const kube::ClusterConfig& config = home().config();
  ASSERT_FALSE(config.client_certificate_pem.empty()) << "the administrator's kubeconfig holds a certificate";
  const json answer = {{"kind", "ExecCredential"},
                       {"apiVersion", "client.authentication.k8s.io/v1"},
                       {"status",
                        {{"clientCertificateData", config.client_certificate_pem},
                         {"clientKeyData", config.client_key_pem},
                         {"expirationTimestamp", "2099-01-01T00:00:00Z"}}}};
  const std::string credentials = written("credentials.json", answer.dump());
  const std::string ca = written("ca.pem", config.ca_pem);
  const std::string kubeconfig =
      written("kubeconfig",
              absl::StrCat("clusters: [{name: c, cluster: {server: '", config.server, "', certificate-authority: ", ca,
                           "}}]\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, "
                           "command: cat, args: [",
                           credentials,
                           "], interactiveMode: IfAvailable}}}]\ncontexts: [{name: x, context: {cluster: c, user: "
                           "u, namespace: ",
                           ns(), "}}]\ncurrent-context: x\n"));
  const Answer told = ask_by(kubeconfig, {"explain", "web"});
  EXPECT_EQ(told.code, ExitCode::Fine) << told.errors;
  EXPECT_TRUE(tells(told.out, {absl::StrCat("ScaleTarget ", ns(), "/web: 4 at")})) << "the context's namespace counts";
}

TEST_F(CommandLine, reports_without_secrets) {
  kubectl("annotate scaletarget web note='Bearer c2VjcmV0LXdvcmQ'");
  const std::string path = absl::StrCat(testing::TempDir(), ns(), ".tar.gz");
  const Answer report = ask_here({"report", "--file", path});
  EXPECT_EQ(report.code, ExitCode::Fine) << report.out << report.errors;
  const std::string all = run("tar -xzOf " + path);
  EXPECT_TRUE(tells(all, {"kind: ScaleTarget", "name: web", "gitVersion", "[redacted]"}));
  EXPECT_EQ(all.find("c2VjcmV0LXdvcmQ"), std::string::npos);
  EXPECT_EQ(all.find("managedFields"), std::string::npos);
}

/// Headroom as an installation has it: a Deployment, which a process stands for here, and what the programs have made.
class Uninstalling : public testing::Test {
 protected:
  void SetUp() override {
    SharedHome::TearDownTestSuite();
    home_.kubectl("create namespace " + ns_);
    apply(ns_,
          absl::StrCat(
              deployment("web", 4), scale_target("web", "replicas: {max: 20, baseline: 4}, engine: {type: Scale}"),
              "apiVersion: headroom.dev/v1alpha1\nkind: FestivalSchedule\nmetadata: {name: fair}\nspec:\n  timeZone: "
              "Asia/Kolkata\n  occurrences: [{name: fair, instant: '",
              absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone()),
              "'}]\n  phases: [{name: peak, from: -PT1H, to: PT2H, multiplier: 3}]\n---\n"));
    // A Deployment without pods stands for the operator's; what it would run is a process of the test.
    apply("default", "apiVersion: v1\nkind: Namespace\nmetadata: {name: headroom-system}\n");
    apply("headroom-system",
          absl::StrCat(deployment("headroom-operator", 0),
                       "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: "
                       "{name: headroom}\nwebhooks: []\n---\n"
                       "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: "
                       "headroom.sl.shop.few, labels: {headroom.dev/component: backstop}}\nspec: {matchConstraints: "
                       "{resourceRules: [{apiGroups: [none.example.com], apiVersions: ['*'], operations: ['*'], "
                       "resources: ['*']}]}, validations: [{expression: 'true'}]}\n---\n"));
  }
  void TearDown() override { home_.kubectl("delete namespace " + ns_ + " --wait=false"); }

  void apply(const std::string& ns, const std::string& yaml) const {
    const std::string path = absl::StrCat(testing::TempDir(), "leaving.yaml");
    std::ofstream(path) << yaml;
    home_.kubectl("apply --server-side --namespace " + ns + " -f " + path);
  }
  int replicas() const { return home_.get(kDeployment, ns_, "web").at("spec").at("replicas"); }
  json target() const { return home_.get(kScaleTarget, ns_, "web"); }

  /// The tool, while the process ends as its Deployment does.
  Answer uninstall(OperatorProcess& headroom, const std::string& sizes) const {
    std::jthread kubelet([&](const std::stop_token& stop) {
      const auto gone = [&] {
        return stop.stop_requested() ||
               !home_.client().get(kDeployment, {"headroom-system", "headroom-operator"}, stop);
      };
      if (eventually(60, gone) && !stop.stop_requested()) headroom.signal(SIGTERM);
    });
    return call({"uninstall", "--yes", "-n", "headroom-system", "--sizes", sizes, "--timeout", "40s"},
                [] { return absl::Now(); });
  }

  Cluster& home_ = Cluster::named("home");
  const std::string ns_ = absl::StrCat(
      "leaving-", testing::UnitTest::GetInstance()->current_test_info()->result()->start_timestamp() % 1'000'000);
};

TEST_F(Uninstalling, puts_sizes_back_and_leaves_nothing_that_blocks) {
  OperatorProcess headroom(home_, {});
  ASSERT_TRUE(eventually(25, [&] { return replicas() == 12; }));
  const Answer answer = uninstall(headroom, "Restore");
  EXPECT_EQ(answer.code, ExitCode::Fine) << answer.out << answer.errors;
  EXPECT_EQ(replicas(), 4);
  EXPECT_FALSE(target().at("metadata").contains("finalizers"));
  EXPECT_EQ(target().at("spec").value("suspend", "None"), "None") << "as it was before";
  EXPECT_EQ(home_.kubectl("get validatingwebhookconfiguration headroom --ignore-not-found -o name"), "");
  EXPECT_EQ(home_.kubectl("get validatingadmissionpolicy headroom.sl.shop.few --ignore-not-found -o name"), "");
  home_.kubectl("delete --namespace " + ns_ + " scaletarget,festivalschedule --all --timeout=10s");
}

TEST_F(Uninstalling, can_leave_sizes_as_they_are) {
  OperatorProcess headroom(home_, {});
  ASSERT_TRUE(eventually(25, [&] { return replicas() == 12; }));
  const Answer answer = uninstall(headroom, "Keep");
  EXPECT_EQ(answer.code, ExitCode::Fine) << answer.out << answer.errors;
  EXPECT_EQ(replicas(), 12);
  EXPECT_FALSE(target().at("metadata").contains("finalizers"));
  home_.kubectl("delete --namespace " + ns_ + " scaletarget,festivalschedule --all --timeout=10s");
}

}  // namespace
}  // namespace headroom::e2e
