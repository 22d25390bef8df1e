#include "tests/e2e/operators.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/kube/cpprest_transport.h"

namespace headroom::e2e {

EmbeddedOperator::EmbeddedOperator(const Cluster& home, const Clock& clock, controllers::OperatorOptions options) {
  options.listen_address = "127.0.0.1";
  options.listen_port = 0;
  options.leader_election = false;
  const auto config = kube::load_kubeconfig(home.rights().operator_kubeconfig(), "");
  EXPECT_TRUE(config) << config.error().message;
  operator_ = std::make_unique<app::Operator>(std::move(options), config.value(), clock);
  const auto started = operator_->start();
  EXPECT_TRUE(started) << started.error().message;
  EXPECT_TRUE(eventually(20, [this] { return operator_->ready(); }));
}

EmbeddedOperator::~EmbeddedOperator() { operator_->stop(); }

OperatorProcess::OperatorProcess(const Cluster& home, const std::vector<std::string>& arguments)
    : OperatorProcess(home.rights().operator_kubeconfig(), "", arguments) {}

OperatorProcess::OperatorProcess(const std::string& kubeconfig_path, const std::string& log_path,
                                 const std::vector<std::string>& arguments)
    : log_path_(log_path) {
  std::vector<std::string> all{
      HEADROOM_OPERATOR, "--kubeconfig", kubeconfig_path, "--listen", "127.0.0.1:0", "--lease-seconds", "3"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(all.size() + 1);
  for (std::string& one : all) argv.push_back(one.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    if (!log_path_.empty()) {
      const int file = open(log_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      if (file < 0 || dup2(file, STDERR_FILENO) < 0) _exit(126);
    }
    execv(argv.front(), argv.data());
    _exit(127);
  }
  EXPECT_GT(pid_, 0);
}

OperatorProcess::~OperatorProcess() { kill_now(); }

void OperatorProcess::kill_now() {
  if (pid_ <= 0) return;
  signal(SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void OperatorProcess::signal(int number) const {
  if (pid_ > 0) kill(pid_, number);
}

int OperatorProcess::wait(int seconds) {
  int status = 0;
  if (!eventually(seconds, [&] { return waitpid(pid_, &status, WNOHANG) == pid_; })) return -1;
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string OperatorProcess::log() const {
  std::ifstream file(log_path_);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::uint16_t OperatorProcess::port() const {
  const std::string said = log();
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(said, '\n'))) {
    if (!absl::StrContains(line, "serving health and metrics")) continue;
    const nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
    int port = 0;
    if (entry.is_object() && absl::SimpleAtoi(entry.value("port", ""), &port)) return static_cast<std::uint16_t>(port);
  }
  return 0;
}

Result<std::string> OperatorProcess::ask(const std::string& path) const {
  kube::ClusterConfig config;
  config.server = absl::StrCat("http://127.0.0.1:", port());
  BOOST_OUTCOME_TRY(transport, kube::make_transport(config));
  kube::Client client(std::move(transport), {}, 1);
  BOOST_OUTCOME_TRY(response, client.raw_get(path, {}));
  if (response.status == 200) return std::move(response.body);
  return Error{ErrorCode::Internal, absl::StrCat(path, ": ", response.status, " ", response.body), response.status, {}};
}

}  // namespace headroom::e2e
