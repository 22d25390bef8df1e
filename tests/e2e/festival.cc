#include "tests/e2e/festival.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ostream>
#include <thread>

#include "operator/base/time_zone.h"
#include "operator/kube/config.h"
#include "operator/kube/cpprest_transport.h"

namespace headroom::e2e {
namespace {

const char* const kRegions[] = {"mumbai", "chennai"};

nlohmann::json without_bookkeeping(const nlohmann::json& object) {
  nlohmann::json kept = {{"metadata", object.at("metadata")}, {"spec", object.value("spec", nlohmann::json::object())}};
  for (const char* field : {"managedFields", "resourceVersion", "generation"}) kept["metadata"].erase(field);
  return kept;
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

bool eventually(int seconds, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (true) {
    if (condition()) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
  }
}

std::ostream& operator<<(std::ostream& out, const Bounds& bounds) {
  out << bounds.min;
  if (bounds.max) out << ".." << *bounds.max;
  return out;
}

Clusters& Clusters::instance() {
  static Clusters clusters;
  return clusters;
}

Clusters::Clusters() : prefix_(absl::StrCat("e2e-", getpid(), "-")) {
  kube::initialise_http(4);
  for (const char* region : kRegions) {
    const std::string path(
        absl::StripAsciiWhitespace(run(absl::StrCat("hack/cluster up ", prefix_, region, " --nodes 2"), 900)));
    run(absl::StrCat("hack/dbcontroller up ", prefix_, region, " --delay 100ms"), 300);
    auto config = kube::load_kubeconfig(path, "");
    if (!config) {
      ADD_FAILURE() << config.error().message;
      std::abort();  // nothing of this program can run without its clusters
    }
    configs_[region] = config.value();
    clients_[region] =
        std::make_shared<kube::Client>(kube::make_transport(config.value()).value(), kube::ClientLimits{}, 1);
    kubectl(region, "apply --server-side -f crds/");
  }
  kubectl("mumbai", "create namespace headroom-system");
  kubectl("mumbai",
          absl::StrCat("-n headroom-system create secret generic chennai-kubeconfig --from-file=value=",
                       absl::StripAsciiWhitespace(run(absl::StrCat("hack/cluster kubeconfig ", prefix_, "chennai")))));
}

Clusters::~Clusters() {
  for (const char* region : kRegions) {
    std::system(absl::StrCat("hack/cluster down ", prefix_, region, " >/dev/null 2>&1").c_str());
  }
}

std::string Clusters::kubectl(const std::string& name, const std::string& arguments) const {
  return run(absl::StrCat("hack/cluster kubectl ", prefix_, name, " ", arguments));
}

std::map<std::string, nlohmann::json> metadata_and_spec(const std::string& cluster, const std::string& ns) {
  std::map<std::string, nlohmann::json> found;
  const std::string text = Clusters::instance().kubectl(
      cluster, absl::StrCat("-n ", ns,
                            " get horizontalpodautoscalers,deployments,statefulsets,clusters.postgresql.cnpg.io,"
                            "configmaps -o json --show-managed-fields"));
  const nlohmann::json list = nlohmann::json::parse(text, nullptr, false);
  if (list.is_discarded()) return found;
  for (const nlohmann::json& item : list.at("items")) {
    const std::string name = item.at("metadata").at("name");
    if (name.starts_with("headroom-calendar-")) continue;  // the last good copy of a calendar, kept for the next start
    found[absl::StrCat(item.at("kind").get<std::string>(), " ", name)] = without_bookkeeping(item);
  }
  return found;
}

EmbeddedOperator::EmbeddedOperator(const FakeClock& clock, controllers::OperatorOptions options) {
  options.listen_address = "127.0.0.1";
  options.listen_port = 0;
  options.leader_election = false;
  operator_ = std::make_unique<app::Operator>(std::move(options), Clusters::instance().config("mumbai"), clock);
  const auto started = operator_->start();
  EXPECT_TRUE(started) << started.error().message;
  EXPECT_TRUE(eventually(20, [this] { return operator_->ready(); }));
}

EmbeddedOperator::~EmbeddedOperator() { operator_->stop(); }

}  // namespace headroom::e2e
