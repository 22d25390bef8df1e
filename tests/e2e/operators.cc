#include "tests/e2e/operators.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

namespace headroom::e2e {

EmbeddedOperator::EmbeddedOperator(const Cluster& home, const Clock& clock, controllers::OperatorOptions options) {
  options.listen_address = "127.0.0.1";
  options.listen_port = 0;
  options.leader_election = false;
  operator_ = std::make_unique<app::Operator>(std::move(options), home.config(), clock);
  const auto started = operator_->start();
  EXPECT_TRUE(started) << started.error().message;
  EXPECT_TRUE(eventually(20, [this] { return operator_->ready(); }));
}

EmbeddedOperator::~EmbeddedOperator() { operator_->stop(); }

OperatorProcess::OperatorProcess(const Cluster& home, const std::vector<std::string>& arguments) {
  std::vector<std::string> all{
      HEADROOM_OPERATOR, "--kubeconfig", home.kubeconfig_path(), "--listen", "127.0.0.1:0", "--lease-seconds", "3"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(all.size() + 1);
  for (std::string& one : all) argv.push_back(one.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
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

}  // namespace headroom::e2e
