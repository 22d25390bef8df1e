// What a transport proves itself with and whom it trusts, kept fresh: files that are rotated, programs that hand out
// short-lived tokens. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/base/clock.h"
#include "operator/base/result.h"
#include "operator/kube/config.h"
#include "operator/kube/exec_credential.h"
#include "operator/kube/text_file.h"
#include "operator/kube/tls_material.h"

namespace headroom::kube {

/// The half of the credentials that a TLS connection is made with. Immutable.
struct TlsCredentials {
  std::shared_ptr<X509_STORE> trust;
  std::optional<ClientIdentity> identity;
};

/// The credentials of one moment.
struct CredentialSnapshot {
  std::string token;                          ///< empty: none
  std::shared_ptr<const TlsCredentials> tls;  ///< another pointer means other connections
};

class Credentials {
 public:
  /// Reads everything once, except what a program would have to be run for.
  static Result<std::unique_ptr<Credentials>> make(const ClusterConfig& config);

  /// What to use now. Looks whether files have changed; runs the program when it was never run, when its answer has
  /// expired or is about to. Waits for that until `deadline` or `stop`. What cannot be renewed is used for as long as
  /// it is good.
  Result<CredentialSnapshot> current(SteadyTime deadline, const std::stop_token& stop);
  /// The server has refused them (401): look again at the next call, whatever files and expiry say.
  void distrust();

 private:
  explicit Credentials(ClusterConfig config);
  Status refresh_files(SteadyTime now);
  Status rebuild_tls();
  Status renew_from_program(std::unique_lock<std::mutex>& lock, SteadyTime deadline, const std::stop_token& stop);

  const ClusterConfig config_;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::optional<WatchedFile> ca_file_, certificate_file_, key_file_, token_file_;
  std::shared_ptr<const TlsCredentials> tls_;
  std::optional<ExecCredential> from_program_;
  bool program_runs_ = false, program_answer_refused_ = false;
  SteadyTime program_asked_{};
  std::condition_variable_any program_ended_;
};

}  // namespace headroom::kube
