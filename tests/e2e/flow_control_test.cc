// Hundreds of writes hang in admission, on an API server with few seats: the webhook's own requests go ahead of them,
// by the FlowSchema that goes with an installation.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "operator/kube/cpprest_transport.h"
#include "tests/e2e/limits_home.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

/// Takes connections and never says anything.
class SilentServer {
 public:
  SilentServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 1024), 0);
  }
  ~SilentServer() { close(listener_); }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;

  std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    return ntohs(address.sin_port);
  }

 private:
  const int listener_;
};

/// 600 requests at once, by curl; killed at its end.
class Writers {
 public:
  Writers(const std::string& url, const std::string& token, const std::string& body) {
    for (int i = 0; i < kProcesses; ++i) {
      const pid_t pid = fork();
      if (pid == 0) {
        // It shows its progress whatever it is told.
        if (freopen("/dev/null", "w", stderr) == nullptr) _exit(126);
        execlp("curl", "curl", "--silent", "--insecure", "--http1.1", "--parallel", "--parallel-immediate",
               "--parallel-max", "200", "--output", "/dev/null", "--header", "Content-Type: application/json",
               "--header", ("Authorization: Bearer " + token).c_str(), "--data", body.c_str(),
               (url + "?writer=[1-200]").c_str(), nullptr);
        _exit(127);
      }
      EXPECT_GT(pid, 0);
      processes_.push_back(pid);
    }
  }
  ~Writers() {
    for (const pid_t pid : processes_) kill(pid, SIGKILL);
    for (const pid_t pid : processes_) waitpid(pid, nullptr, 0);
  }
  Writers(const Writers&) = delete;
  Writers& operator=(const Writers&) = delete;

 private:
  static constexpr int kProcesses = 3;
  std::vector<pid_t> processes_;
};

class FlowControl : public ::testing::Test {
 protected:
  static Cluster& home() {
    return Cluster::named("flow-control", {"--without-controllers", "--apiserver-flag=--max-requests-inflight=20",
                                           "--apiserver-flag=--max-mutating-requests-inflight=20"});
  }

  FlowControl() {
    kube::ClientLimits impatient;
    impatient.retry_for = std::chrono::milliseconds(0);
    client_ = std::make_unique<kube::Client>(kube::make_transport(home_.config()).value(), impatient, 1);
  }

  std::string account(const std::string& ns, const std::string& name) {
    home_.kubectl(absl::StrCat("create serviceaccount ", name, " -n ", ns));
    home_.kubectl(absl::StrCat("create clusterrolebinding ", name, " --clusterrole=cluster-admin --serviceaccount=", ns,
                               ":", name));
    return std::string(
        absl::StripAsciiWhitespace(home_.kubectl(absl::StrCat("create token ", name, " -n ", ns, " --duration=1h"))));
  }
  json config_map(const std::string& ns, const std::string& name) {
    return {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"namespace", ns}, {"name", name}}}};
  }
  void hang_writes_of(const std::string& ns, std::uint16_t port) {
    const json hook = {{"name", "never.example.com"},
                       {"admissionReviewVersions", {"v1"}},
                       {"clientConfig", {{"url", absl::StrCat("https://127.0.0.1:", port, "/")}}},
                       {"failurePolicy", "Fail"},
                       {"sideEffects", "None"},
                       {"timeoutSeconds", 30},
                       {"namespaceSelector", {{"matchLabels", {{"kubernetes.io/metadata.name", ns}}}}},
                       {"rules", json::array({{{"apiGroups", {""}},
                                               {"apiVersions", {"v1"}},
                                               {"operations", {"CREATE"}},
                                               {"resources", {"configmaps"}}}})}};
    const kube::ResourceType type{"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations",
                                  "ValidatingWebhookConfiguration", false};
    const auto made = client_->create(type,
                                      {{"apiVersion", "admissionregistration.k8s.io/v1"},
                                       {"kind", type.kind},
                                       {"metadata", {{"name", "never"}}},
                                       {"webhooks", json::array({hook})}},
                                      {});
    ASSERT_TRUE(made) << made.error().message;
  }
  /// Requests of service accounts that wait for a seat.
  int queued() {
    const auto metrics = client_->raw_get("/metrics", {});
    if (!metrics) return 0;
    int sum = 0;
    for (const std::string& line : std::vector<std::string>(absl::StrSplit(metrics.value().body, '\n'))) {
      if (!line.starts_with("apiserver_flowcontrol_current_inqueue_requests{") ||
          line.find("priority_level=\"workload-low\"") == std::string::npos) {
        continue;
      }
      double value = 0;
      if (absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &value)) sum += static_cast<int>(value);
    }
    return sum;
  }
  struct Tally {
    int landed = 0, failed = 0;
  };
  /// What becomes of an administrator's writes under the limit, for `seconds` of the writers' hanging.
  Tally write_beside(const std::string& token, int seconds) {
    const std::string url = home_.config().server + "/api/v1/namespaces/hanging/configmaps";
    const Writers writers(url, token, config_map("hanging", "never").dump());
    EXPECT_TRUE(eventually(30, [&] { return queued() >= 50; })) << queued();
    Tally tally;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (std::chrono::steady_clock::now() < until) {
      const auto written =
          client_->create(kube::types::kConfigMap, config_map("limited", absl::StrCat("c", ++made_)), {});
      (written ? tally.landed : tally.failed) += 1;
    }
    return tally;
  }

  Cluster& home_ = home();
  std::unique_ptr<kube::Client> client_;
  int made_ = 0;
};

TEST_F(FlowControl, lets_the_webhooks_own_requests_go_ahead_of_writes_that_hang) {
  for (const char* const ns : {"limited", "hanging"}) home_.kubectl(absl::StrCat("create namespace ", ns));
  const std::string writer = account("hanging", "writer");
  json limit = scale_limit("limited", "configmaps", {{"count", 1'000'000}});
  limit["spec"]["match"]["resources"] = json::array({{{"group", ""}, {"version", "v1"}, {"resource", "configmaps"}}});
  ASSERT_TRUE(client_->create(kScaleLimit, limit, {}));
  const SilentServer silent;
  hang_writes_of("hanging", silent.port());
  // Under its ServiceAccount: members of system:masters, as administrators are, are exempt from all queues.
  Webhooks webhooks(home_, 1, {"--request-deadline-seconds", "12", "--lease-seconds", "5"});
  ASSERT_TRUE(webhooks.wait_ready(60));
  const auto lands = [&] {
    return bool(client_->create(kube::types::kConfigMap, config_map("limited", absl::StrCat("c", ++made_)), {}));
  };
  ASSERT_TRUE(eventually(60, lands));

  const Tally without = write_beside(writer, 15);
  EXPECT_GT(without.failed, 0) << "the test shows nothing: " << without.landed << " landed without a FlowSchema";

  home_.kubectl("apply -f manifests/install.yaml --selector app.kubernetes.io/component=flow-control");
  ASSERT_TRUE(eventually(60, [&] { return queued() == 0 && webhooks.wait_ready(5) && lands(); }));
  const Tally with = write_beside(writer, 15);
  EXPECT_EQ(with.failed, 0) << with.landed << " landed";
  EXPECT_GT(with.landed, 0);
  std::printf(
      "beside 600 writes that hang, landed and failed in 15 s: %d and %d without, %d and %d with a FlowSchema\n",
      without.landed, without.failed, with.landed, with.failed);
}

}  // namespace
}  // namespace headroom::e2e
