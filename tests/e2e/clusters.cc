#include "tests/e2e/clusters.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/strip.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "operator/base/time_zone.h"
#include "operator/kube/cpprest_transport.h"
#include "tests/e2e/forbidden_requests.h"
#include "tests/support/polling.h"

namespace headroom::e2e {
namespace {

nlohmann::json without_bookkeeping(const nlohmann::json& object) {
  nlohmann::json kept = {{"metadata", object.at("metadata")}, {"spec", object.value("spec", nlohmann::json::object())}};
  for (const char* field : {"managedFields", "resourceVersion", "generation"}) kept["metadata"].erase(field);
  return kept;
}

using Clusters = std::map<std::string, std::unique_ptr<Cluster>>;
Clusters& clusters() {
  static Clusters all;
  return all;
}

/// Connections must be closed before the end of main(): OpenSSL takes itself down before static objects go.
class DownAfterTheTests : public ::testing::Environment {
  void TearDown() override {
    for (const auto& [name, cluster] : clusters()) cluster->expect_nothing_forbidden();
    clusters().clear();
  }
};
[[maybe_unused]] ::testing::Environment* const down_after_the_tests =
    ::testing::AddGlobalTestEnvironment(new DownAfterTheTests);

std::string program_name_of(const std::string& name) { return absl::StrCat("e2e-", getpid(), "-", name); }

bool without_controllers(const std::vector<std::string>& arguments) {
  return std::ranges::find(arguments, "--without-controllers") != arguments.end();
}

std::string up_command(const std::string& program_name, const std::vector<std::string>& arguments) {
  const bool audited = std::ranges::any_of(
      arguments, [](const std::string& one) { return one.starts_with("--apiserver-flag=--audit-"); });
  return absl::StrCat("hack/cluster up ", program_name, without_controllers(arguments) ? " " : " --nodes 2 ",
                      audited ? "" : absl::StrJoin(audit_arguments(program_name), " "), " ",
                      absl::StrJoin(arguments, " "));
}

}  // namespace

std::string run(const std::string& command, int limit_seconds) {
  // Messages go to standard error, which the test program's reader sees; only the result is kept.
  FILE* pipe = popen(absl::StrCat("timeout --kill-after=5 ", limit_seconds, " ", command).c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << "cannot run " << command;
    return "";
  }
  std::string output;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) output.append(buffer.data(), n);
  const int status = pclose(pipe);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << command << " ended with status " << status;
  return output;
}

absl::Time kolkata(const std::string& civil) {
  static const absl::TimeZone zone = load_time_zone("Asia/Kolkata").value();
  absl::CivilSecond second;
  EXPECT_TRUE(absl::ParseCivilTime(absl::StrCat(civil.substr(0, 10), "T", civil.substr(11)), &second)) << civil;
  return instant_of(second, zone);
}

bool eventually(int seconds, const std::function<bool()>& condition, std::chrono::milliseconds pause) {
  return testing_support::poll(condition, std::chrono::seconds(seconds), pause);
}

Cluster& Cluster::named(const std::string& name, const std::vector<std::string>& arguments) {
  std::unique_ptr<Cluster>& cluster = clusters()[name];
  if (!cluster) cluster.reset(new Cluster(name, arguments));
  return *cluster;
}

void Cluster::start(const std::vector<std::string>& names, const std::vector<std::string>& arguments) {
  constexpr std::size_t kAtOnce = 4;
  std::string commands;
  for (std::size_t i = 0; i < names.size(); ++i) {
    absl::StrAppend(&commands, up_command(program_name_of(names[i]), arguments),
                    i % kAtOnce == kAtOnce - 1 ? "; wait; " : " & ");
  }
  run(absl::StrCat("sh -c '", commands, " wait'"), 900);
  for (const std::string& name : names) named(name, arguments);
}

Cluster::Cluster(const std::string& name, const std::vector<std::string>& arguments)
    : program_name_(program_name_of(name)) {
  kube::initialise_http();
  kubeconfig_path_ = std::string(absl::StripAsciiWhitespace(run(up_command(program_name_, arguments), 900)));
  auto config = kube::load_kubeconfig(kubeconfig_path_, "");
  if (!config) {
    ADD_FAILURE() << config.error().message;
    std::abort();  // nothing of this program can run without its clusters
  }
  config_ = config.value();
  client_ = std::make_shared<kube::Client>(kube::make_transport(config_).value(), kube::ClientLimits{}, 1);
  kubectl("apply --server-side -f crds/");
  rights_ = std::make_unique<ChartRights>(
      *client_, config_, program_name_, std::filesystem::path(kubeconfig_path_).parent_path(),
      without_controllers(arguments) ? ChartRights::Roles::GatheredHere : ChartRights::Roles::GatheredByController);
}

Cluster::~Cluster() {
  rights_.reset();
  client_.reset();
  std::system(absl::StrCat("hack/cluster down ", program_name_, " >/dev/null 2>&1").c_str());
}

std::string Cluster::kubectl(const std::string& arguments) const {
  return run(absl::StrCat("hack/cluster kubectl ", program_name_, " ", arguments));
}

nlohmann::json Cluster::get(const kube::ResourceType& type, const std::string& ns, const std::string& name) const {
  auto object = client_->get(type, {ns, name}, {});
  if (object) return std::move(object).value();
  ADD_FAILURE() << type.to_string() << " " << name << ": " << object.error().message;
  return nullptr;
}

nlohmann::json Cluster::status_of(const kube::ResourceType& type, const std::string& ns,
                                  const std::string& name) const {
  const auto object = client_->get(type, {ns, name}, {});
  return object ? object.value().value("status", nlohmann::json::object()) : nlohmann::json::object();
}

nlohmann::json Cluster::condition(const kube::ResourceType& type, const std::string& ns, const std::string& name,
                                  const std::string& kind) const {
  const nlohmann::json status = status_of(type, ns, name);
  for (const nlohmann::json& one : status.value("conditions", nlohmann::json::array())) {
    if (one.at("type") == kind) return one;
  }
  return nlohmann::json::object();
}

void Cluster::stop_apiserver() const { run(absl::StrCat("hack/cluster stop-apiserver ", program_name_)); }

void Cluster::start_apiserver() const { run(absl::StrCat("hack/cluster start-apiserver ", program_name_)); }

void Cluster::snapshot_etcd() const { run(absl::StrCat("hack/cluster snapshot-etcd ", program_name_)); }

void Cluster::restore_etcd() const { run(absl::StrCat("hack/cluster restore-etcd ", program_name_)); }

void Cluster::add_databases() {
  if (databases_) return;
  run(absl::StrCat("hack/dbcontroller up ", program_name_, " --delay 100ms"), 300);
  databases_ = true;
  also_compare(kDatabase.plural + "." + kDatabase.group);
}

void Cluster::add_keda() {
  rights_->allow({{"keda", {{"enabled", true}}}});
  run(absl::StrCat("hack/crds ", program_name_, " keda"), 300);
  also_compare(kube::types::kScaledObject.plural + "." + kube::types::kScaledObject.group);
}

void Cluster::know(const std::vector<std::string>& names) {
  nlohmann::json secrets;
  for (const std::string& name : names) {
    secrets.push_back(name + "-kubeconfig");
    kubectl(absl::StrCat("-n headroom-system create secret generic ", name,
                         "-kubeconfig --from-file=value=", named(name).rights().region_kubeconfig()));
  }
  rights_->allow({{"operator", {{"secrets", {{{"namespace", "headroom-system"}, {"names", secrets}}}}}}});
}

void Cluster::expect_nothing_forbidden() const {
  const std::set<std::string> forbidden = forbidden_requests(program_name_, *client_);
  EXPECT_TRUE(forbidden.empty()) << program_name_ << ": the chart's rights, and what the test has added to them, are "
                                 << "not enough:\n"
                                 << absl::StrJoin(forbidden, "\n");
}

std::map<std::string, nlohmann::json> Cluster::metadata_and_spec(const std::string& ns) const {
  std::map<std::string, nlohmann::json> found;
  const std::string text = kubectl(absl::StrCat("-n ", ns, " get ", compared_, " -o json --show-managed-fields"));
  const nlohmann::json list = nlohmann::json::parse(text, nullptr, false);
  if (list.is_discarded()) return found;
  for (const nlohmann::json& item : list.at("items")) {
    const std::string name = item.at("metadata").at("name");
    if (name.starts_with("headroom-calendar-")) continue;  // the last good copy of a calendar, kept for the next start
    found[absl::StrCat(item.at("kind").get<std::string>(), " ", name)] = without_bookkeeping(item);
  }
  return found;
}

std::uint16_t etcd_port(const Cluster& cluster) {
  // The first one that hack/cluster has noted beside the kubeconfig.
  std::ifstream ports(std::filesystem::path(cluster.kubeconfig_path()).replace_filename("ports"));
  int port = 0;
  EXPECT_TRUE(ports >> port) << "no ports beside " << cluster.kubeconfig_path();
  return static_cast<std::uint16_t>(port);
}

}  // namespace headroom::e2e
