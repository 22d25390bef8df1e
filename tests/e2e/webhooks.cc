#include "tests/e2e/webhooks.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/kube/cpprest_transport.h"
#include "tests/kube/test_authority.h"
#include "tests/support/round_robin_proxy.h"

namespace headroom::e2e {
namespace {

std::string new_folder() {
  std::string path = ::testing::TempDir() + "headroom-webhooks-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

/// What a replica of another test has left in a ledger is not this one's.
std::string new_name() {
  static int made = 0;
  return absl::StrCat("webhooks-", ++made);
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
  chmod(path.c_str(), 0600);
}

}  // namespace

WebhookProcess::WebhookProcess(const std::vector<std::string>& arguments, std::string log_path)
    : log_path_(std::move(log_path)) {
  std::vector<std::string> all{HEADROOM_WEBHOOK};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(all.size() + 1);
  for (std::string& one : all) argv.push_back(one.data());
  argv.push_back(nullptr);
  const int file = open(log_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  pid_ = fork();
  if (pid_ == 0) {
    if (file < 0 || dup2(file, STDERR_FILENO) < 0) _exit(126);
    execv(argv.front(), argv.data());
    _exit(127);
  }
  close(file);
  EXPECT_GT(pid_, 0);
}

WebhookProcess::~WebhookProcess() { kill_now(); }

void WebhookProcess::kill_now() {
  if (pid_ <= 0) return;
  signal(SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void WebhookProcess::signal(int number) const {
  if (pid_ > 0) kill(pid_, number);
}

int WebhookProcess::wait(int seconds) {
  int status = 0;
  if (!eventually(seconds, [&] { return waitpid(pid_, &status, WNOHANG) == pid_; })) return -1;
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string WebhookProcess::log() const {
  std::ifstream file(log_path_);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::uint16_t WebhookProcess::port_after(const std::string& message) const {
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(log(), '\n'))) {
    if (!absl::StrContains(line, message)) continue;
    const nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
    int port = 0;
    if (entry.is_object() && absl::SimpleAtoi(entry.value("port", ""), &port)) return static_cast<std::uint16_t>(port);
  }
  return 0;
}

std::string WebhookProcess::ask(const std::string& path) const {
  const std::uint16_t port = health_port();
  if (pid_ <= 0 || port == 0) return "";
  kube::ClusterConfig config;
  config.server = absl::StrCat("http://127.0.0.1:", port);
  auto transport = kube::make_transport(config);
  if (!transport) return "";
  kube::Client client(std::move(transport).value(), {}, 1);
  const auto response = client.raw_get(path, {});
  return response && response.value().status == 200 ? response.value().body : "";
}

bool WebhookProcess::ready() const { return port() > 0 && !ask("/readyz").empty(); }

Webhooks::Webhooks(const Cluster& cluster, int replicas, std::vector<std::string> arguments,
                   std::map<std::size_t, std::string> kubeconfigs)
    : cluster_(cluster),
      folder_(new_folder()),
      name_(new_name()),
      arguments_(std::move(arguments)),
      kubeconfigs_(std::move(kubeconfigs)),
      balancer_(std::make_unique<testing::RoundRobinProxy>()) {
  const testing::TestAuthority authority;
  const testing::CertificatePair pair = authority.issue({});
  write_file(folder_ + "/ca.pem", authority.pem());
  write_file(folder_ + "/tls.pem", pair.certificate_pem);
  write_file(folder_ + "/key.pem", pair.key_pem);
  for (int i = 0; i < replicas; ++i) {
    replicas_.emplace_back();
    restart(static_cast<std::size_t>(i));
  }
}

Webhooks::~Webhooks() {
  if (::testing::Test::HasFailure()) {
    std::fprintf(stderr, "logs of the webhooks are in %s\n", folder_.c_str());
    return;
  }
  replicas_.clear();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::vector<std::string> Webhooks::arguments_of(std::size_t number) const {
  const auto given = [&](const char* flag) { return std::ranges::find(arguments_, flag) != arguments_.end(); };
  std::vector<std::string> all{"--listen",
                               "127.0.0.1:0",
                               "--health-listen",
                               "127.0.0.1:0",
                               "--identity",
                               absl::StrCat(name_, "-", number),
                               "--webhook-configuration",
                               "headroom",
                               "--webhook-url",
                               absl::StrCat("https://127.0.0.1:", balancer_->port(), "/validate")};
  const auto add = [&](std::initializer_list<std::string> more) { all.insert(all.end(), more); };
  if (!given("--certificate-secret") && !given("--certificate-directory")) {
    add({"--tls-certificate", folder_ + "/tls.pem", "--tls-key", folder_ + "/key.pem", "--webhook-ca",
         folder_ + "/ca.pem"});
  }
  if (!given("--drain-seconds")) add({"--drain-delay-seconds", "0", "--drain-seconds", "10"});
  const auto own = kubeconfigs_.find(number);
  if (!given("--kubeconfig"))
    add({"--kubeconfig", own == kubeconfigs_.end() ? cluster_.rights().webhook_kubeconfig() : own->second});
  all.insert(all.end(), arguments_.begin(), arguments_.end());
  return all;
}

std::size_t Webhooks::add() {
  replicas_.emplace_back();
  restart(replicas_.size() - 1);
  return replicas_.size() - 1;
}

void Webhooks::restart(std::size_t number) {
  replicas_[number].reset();
  replicas_[number] =
      std::make_unique<WebhookProcess>(arguments_of(number), absl::StrCat(folder_, "/replica-", number, ".log"));
}

std::string Webhooks::lease(std::size_t number) const { return absl::StrCat("headroom-webhook-", name_, "-", number); }

bool Webhooks::ready() {
  std::vector<std::uint16_t> ports;
  for (const auto& replica : replicas_) {
    if (!replica->running()) continue;
    if (!replica->ready()) return false;
    ports.push_back(replica->port());
  }
  balancer_->serve(std::move(ports));
  return true;
}

bool Webhooks::balance() {
  std::vector<std::uint16_t> ports;
  bool all = true;
  for (const auto& replica : replicas_) {
    if (!replica->running()) continue;
    if (replica->ready()) {
      ports.push_back(replica->port());
    } else {
      all = false;
    }
  }
  balancer_->serve(std::move(ports));
  return all;
}

bool Webhooks::wait_ready(int seconds) {
  return eventually(seconds, [this] { return ready(); });
}

}  // namespace headroom::e2e
