// The operator as the tests run it: in this process under a clock that the test moves, or as a process of its own;
// under the ServiceAccount and the rights that the chart gives it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "operator/app/operator.h"
#include "operator/base/clock.h"
#include "operator/base/result.h"
#include "tests/e2e/clusters.h"

namespace headroom::e2e {

/// Returns once it is ready; stops at its end.
class EmbeddedOperator {
 public:
  /// Without leader election, whatever `options` say.
  EmbeddedOperator(const Cluster& home, const Clock& clock, controllers::OperatorOptions options = {});
  ~EmbeddedOperator();
  app::Operator& get() { return *operator_; }

 private:
  std::unique_ptr<app::Operator> operator_;
};

/// headroom-operator with a lease of three seconds; killed at its end.
class OperatorProcess {
 public:
  /// `arguments` beside those for the kubeconfig, the lease and the port, for example {"--replay-clock", "…Z@1"}.
  OperatorProcess(const Cluster& home, const std::vector<std::string>& arguments);
  /// With credentials of its own; what it says goes to the file `log_path`, which log() and port() read.
  OperatorProcess(const std::string& kubeconfig_path, const std::string& log_path,
                  const std::vector<std::string>& arguments);
  ~OperatorProcess();
  OperatorProcess(const OperatorProcess&) = delete;
  OperatorProcess& operator=(const OperatorProcess&) = delete;

  /// SIGKILL; returns when it is gone.
  void kill_now();
  /// Sends a signal: SIGSTOP, SIGCONT, SIGTERM.
  void signal(int number) const;
  /// Waits for it to end by itself; its exit status, or -1 when it has not within `seconds`.
  int wait(int seconds);
  bool running() const { return pid_ > 0; }

  /// What it has said so far.
  std::string log() const;
  /// Where it serves health and metrics; 0 before it does.
  std::uint16_t port() const;
  /// The body of a GET on that port; an error where it does not answer with 200.
  Result<std::string> ask(const std::string& path) const;

 private:
  std::string log_path_;
  pid_t pid_ = -1;
};

}  // namespace headroom::e2e
