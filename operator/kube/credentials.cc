#include "operator/kube/credentials.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <utility>

#include "operator/base/log.h"
#include "operator/kube/system_trust.h"

namespace headroom::kube {

namespace {

// A token that is good for a shorter while might expire on its way.
constexpr absl::Duration kRenewAhead = absl::Seconds(60);
constexpr std::chrono::seconds kLongestProgram{60};
// A server that refuses whatever the program gives must not make us run it for every request.
constexpr std::chrono::seconds kAskProgramAgainAfter{10};

std::optional<WatchedFile> watched(const std::string& path) {
  return path.empty() ? std::nullopt : std::optional<WatchedFile>(path);
}

std::string trimmed(const std::string& text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t\r\n") - start + 1);
}

}  // namespace

Credentials::Credentials(ClusterConfig config)
    : config_(std::move(config)),
      ca_file_(watched(config_.ca_pem.empty() ? config_.ca_file : "")),
      certificate_file_(watched(config_.client_certificate_pem.empty() ? config_.client_certificate_file : "")),
      key_file_(watched(config_.client_key_pem.empty() ? config_.client_key_file : "")),
      token_file_(watched(config_.token_file)) {}

Result<std::unique_ptr<Credentials>> Credentials::make(const ClusterConfig& config) {
  std::unique_ptr<Credentials> credentials(new Credentials(config));
  const std::lock_guard lock(credentials->mutex_);
  BOOST_OUTCOME_TRYV(credentials->refresh_files(std::chrono::steady_clock::now()));
  return Result<std::unique_ptr<Credentials>>(std::move(credentials));
}

Status Credentials::rebuild_tls() {
  auto tls = std::make_shared<TlsCredentials>();
  const std::string& ca = ca_file_ ? ca_file_->content() : config_.ca_pem;
  if (ca.empty()) {
    tls->trust = system_trust();
  } else {
    Result<std::shared_ptr<X509_STORE>> trust = trust_only(ca);
    if (!trust) {
      return with_context(std::move(trust).error(), ca_file_ ? ca_file_->path() : "the certificate authority");
    }
    tls->trust = std::move(trust).value();
  }
  std::string certificate = certificate_file_ ? certificate_file_->content() : config_.client_certificate_pem;
  std::string key = key_file_ ? key_file_->content() : config_.client_key_pem;
  if (certificate.empty() && from_program_) {
    certificate = from_program_->certificate_pem;
    key = from_program_->key_pem;
  }
  if (!certificate.empty()) {
    Result<ClientIdentity> identity = client_identity(certificate, key);
    if (!identity) {
      return certificate_file_ ? with_context(std::move(identity).error(), certificate_file_->path())
                               : std::move(identity).error();
    }
    tls->identity = std::move(identity).value();
  }
  tls_ = std::move(tls);
  return ok();
}

Status Credentials::refresh_files(SteadyTime now) {
  if (token_file_) {
    BOOST_OUTCOME_TRYV(token_file_->refresh(now));
  }
  bool changed = tls_ == nullptr;
  for (std::optional<WatchedFile>* file : {&ca_file_, &certificate_file_, &key_file_}) {
    if (!*file) continue;
    BOOST_OUTCOME_TRY(this_changed, (*file)->refresh(now));
    changed = changed || this_changed;
  }
  if (!changed) return ok();
  Status rebuilt = rebuild_tls();
  if (!rebuilt && tls_ != nullptr) {
    // Certificate and key are two files, so between two writes they do not fit; the next change is looked at again.
    log::warning("keeping the former TLS credentials", {{"reason", rebuilt.error().message}});
    return ok();
  }
  return rebuilt;
}

Status Credentials::renew_from_program(std::unique_lock<std::mutex>& lock, SteadyTime deadline,
                                       const std::stop_token& stop) {
  const auto good_for = [this](absl::Duration ahead) {
    const bool believed =
        !program_answer_refused_ || std::chrono::steady_clock::now() - program_asked_ < kAskProgramAgainAfter;
    return from_program_ && believed && (!from_program_->expires || absl::Now() + ahead < *from_program_->expires);
  };
  if (good_for(kRenewAhead)) return ok();
  if (program_runs_) {
    // Somebody is at it already.
    if (good_for(absl::ZeroDuration())) return ok();
    const bool ended = program_ended_.wait_until(lock, stop, deadline, [this] { return !program_runs_; });
    if (stop.stop_requested()) return Error{ErrorCode::Cancelled, "stopped while waiting for credentials", 0, {}};
    if (!ended || !good_for(absl::ZeroDuration())) {
      return Error{ErrorCode::Unauthorized, "credentials: " + config_.exec->command + " has not given any", 0, {}};
    }
    return ok();
  }
  program_runs_ = true;
  program_asked_ = std::chrono::steady_clock::now();
  lock.unlock();
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  Result<ExecCredential> answer =
      run_exec_command(*config_.exec, config_, std::min<std::chrono::milliseconds>(left, kLongestProgram), stop);
  lock.lock();
  program_runs_ = false;
  program_ended_.notify_all();
  if (!answer) return good_for(absl::ZeroDuration()) ? ok() : Status(std::move(answer).error());
  const bool tls_changed = !from_program_ || from_program_->certificate_pem != answer.value().certificate_pem;
  from_program_ = std::move(answer).value();
  program_answer_refused_ = false;
  return tls_changed ? rebuild_tls() : ok();
}

Result<CredentialSnapshot> Credentials::current(SteadyTime deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  BOOST_OUTCOME_TRYV(refresh_files(std::chrono::steady_clock::now()));
  const bool has_own = token_file_ || !config_.token.empty();
  if (config_.exec && !has_own) {
    BOOST_OUTCOME_TRYV(renew_from_program(lock, deadline, stop));
  }
  CredentialSnapshot snapshot{config_.token, tls_};
  if (token_file_) {
    snapshot.token = trimmed(token_file_->content());
    if (!std::all_of(snapshot.token.begin(), snapshot.token.end(), [](char c) { return c > ' ' && c < 0x7f; })) {
      return invalid(token_file_->path() +
                     " holds a character that no token has; it must hold a token and nothing else");
    }
  } else if (snapshot.token.empty() && from_program_) {
    snapshot.token = from_program_->token;
  }
  return snapshot;
}

void Credentials::distrust() {
  const std::lock_guard lock(mutex_);
  if (token_file_) token_file_->distrust();
  program_answer_refused_ = true;
}

}  // namespace headroom::kube
