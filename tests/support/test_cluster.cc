#include "tests/support/test_cluster.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <utility>

#include "operator/kube/cpprest_transport.h"
#include "tests/support/hack_script.h"
#include "tests/support/polling.h"

namespace headroom::testing {

using nlohmann::json;

namespace {

// Tools that were never built take minutes each.
constexpr std::chrono::minutes kLongestCommand{20};

std::string trimmed(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string hack_cluster(std::vector<std::string> arguments) {
  return trimmed(run_hack("cluster", std::move(arguments), kLongestCommand));
}

// Lines of "name<tab>condition<tab>...".
bool runs(const std::string& name) {
  const std::string list = absl::StrCat("\n", hack_cluster({"list"}));
  return absl::StrContains(list, absl::StrCat("\n", name, "\trunning\t"));
}

std::map<std::string, std::unique_ptr<TestCluster>>& clusters() {
  static std::map<std::string, std::unique_ptr<TestCluster>> clusters;
  return clusters;
}

/// Connections must be closed before the end of main(): cpprestsdk's threads go before our static objects do.
class DownAfterTheTests : public ::testing::Environment {
  void TearDown() override { clusters().clear(); }
};
[[maybe_unused]] ::testing::Environment* const down_after_the_tests =
    ::testing::AddGlobalTestEnvironment(new DownAfterTheTests);

}  // namespace

bool eventually(std::chrono::milliseconds at_most, const std::function<bool()>& holds) {
  return testing_support::poll(holds, at_most, std::chrono::milliseconds(20));
}

TestNamespace::TestNamespace(std::shared_ptr<kube::Client> client, std::string name)
    : client_(std::move(client)), name_(std::move(name)) {
  const auto created = client_->create(
      kube::types::kNamespace, json{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name_}}}}, {});
  if (created) return;
  std::fprintf(stderr, "no namespace %s: %s\n", name_.c_str(), created.error().message.c_str());
  std::abort();
}

TestNamespace::TestNamespace(TestNamespace&& other) noexcept
    : client_(std::move(other.client_)), name_(std::move(other.name_)) {}

TestNamespace::~TestNamespace() {
  if (client_ != nullptr) (void)client_->remove(kube::types::kNamespace, {"", name_}, {}, {});
}

TestCluster& TestCluster::get(const std::string& name, const std::vector<std::string>& arguments) {
  std::unique_ptr<TestCluster>& cluster = clusters()[name];
  if (cluster == nullptr) cluster.reset(new TestCluster(name, arguments));
  return *cluster;
}

TestCluster::TestCluster(std::string name, const std::vector<std::string>& arguments) : name_(std::move(name)) {
  kube::initialise_http();
  started_here_ = !runs(name_);
  std::vector<std::string> up{"up", name_};
  up.insert(up.end(), arguments.begin(), arguments.end());
  kubeconfig_path_ = hack_cluster(std::move(up));
  token_kubeconfig_path_ = hack_cluster({"kubeconfig", name_, "--token"});
}

TestCluster::~TestCluster() {
  transport_.reset();
  if (started_here_) hack_cluster({"down", name_});
}

kube::ClusterConfig TestCluster::config() const {
  const auto config = kube::load_kubeconfig(kubeconfig_path_, "");
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().message.c_str());
    std::abort();
  }
  return config.value();
}

std::shared_ptr<kube::Transport> TestCluster::transport() {
  if (transport_ == nullptr) transport_ = kube::make_transport(config()).value();
  return transport_;
}

std::shared_ptr<kube::Client> TestCluster::client(const kube::ClientLimits& limits) {
  return std::make_shared<kube::Client>(transport(), limits, std::random_device{}());
}

TestNamespace TestCluster::new_namespace() {
  // Random, because earlier programs' namespaces may still be there.
  const std::string name = "test-" + std::to_string(std::random_device{}()) + "-" + std::to_string(namespaces_++);
  return {client(), name};
}

void TestCluster::stop_apiserver() { hack_cluster({"stop-apiserver", name_}); }

void TestCluster::kill_apiserver() { hack_cluster({"stop-apiserver", name_, "--kill"}); }

void TestCluster::start_apiserver() { hack_cluster({"start-apiserver", name_}); }

}  // namespace headroom::testing
