#include "operator/kube/cpprest_transport.h"

#include <openssl/crypto.h>

#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "operator/kube/cpprest_connection.h"
#include "operator/kube/credentials.h"
#include "operator/kube/name_lookup.h"
#include "operator/kube/response_inbox.h"
#include "operator/kube/status_error.h"
#include "operator/kube/system_trust.h"
#include "operator/kube/url.h"

namespace headroom::kube {

namespace {

using Exchange = CpprestConnections::Exchange;
using Waited = ResponseInbox::Waited;

// A page of 500 objects of the largest size that etcd stores (1.5 MiB) would be more, but no cluster has those.
constexpr std::size_t kLargestBody = std::size_t{256} << 20U;
constexpr std::size_t kLongestLine = std::size_t{64} << 20U;
constexpr std::size_t kPauseStreamAbove = std::size_t{1} << 20U;
// How many kept connections may turn out closed for one request; a server's restart closes all of them.
constexpr int kMostStaleConnections = 1000;
// Addresses that a name had at some time; beyond them all kept connections are let go.
constexpr std::size_t kMostAddresses = 32;

std::string milliseconds_text(std::chrono::milliseconds duration) { return std::to_string(duration.count()) + " ms"; }

class CpprestStream final : public Stream {
 public:
  CpprestStream(std::shared_ptr<CpprestConnections> connections, std::unique_ptr<Exchange> exchange,
                std::shared_ptr<ResponseInbox> inbox, std::string authority, std::stop_token stop)
      : connections_(std::move(connections)),
        exchange_(std::move(exchange)),
        inbox_(std::move(inbox)),
        authority_(std::move(authority)),
        stop_(std::move(stop)) {}
  CpprestStream(const CpprestStream&) = delete;
  CpprestStream& operator=(const CpprestStream&) = delete;
  ~CpprestStream() override {
    exchange_->cancel();
    inbox_->abandon();
  }

  Result<std::optional<std::string>> read_line(std::chrono::milliseconds idle) override {
    using Kind = ResponseInbox::Line::Kind;
    ResponseInbox::Line line = inbox_->next_line(idle, stop_);
    switch (line.kind) {
      case Kind::Text:
        return std::optional<std::string>(std::move(line.text));
      case Kind::End:
        return std::optional<std::string>();
      case Kind::Failed:
        return error_of(*inbox_->failure(), Method::Get, authority_, "");
      case Kind::Idle:
        return Error{ErrorCode::Timeout, "nothing came from " + authority_ + " for " + milliseconds_text(idle), 0, {}};
      case Kind::TooLong:
        exchange_->cancel();
        return invalid(authority_ + " sent a line longer than " + std::to_string(kLongestLine) + " bytes");
      case Kind::Stopped:
        break;
    }
    exchange_->cancel();
    return Error{ErrorCode::Cancelled, "the stream from " + authority_ + " was stopped", 0, {}};
  }

 private:
  const std::shared_ptr<CpprestConnections> connections_;
  const std::unique_ptr<Exchange> exchange_;
  const std::shared_ptr<ResponseInbox> inbox_;
  const std::string authority_;
  const std::stop_token stop_;
};

class CpprestTransport final : public Transport {
 public:
  CpprestTransport(ServerUrl server, const ClusterConfig& config, std::unique_ptr<Credentials> credentials)
      : server_(std::move(server)),
        server_name_(config.tls_server_name.empty() ? server_.host : config.tls_server_name),
        insecure_(config.insecure_skip_tls_verify),
        authority_(server_.authority()),
        credentials_(std::move(credentials)),
        names_(server_.host) {}

  Result<Response> send(const Request& request, std::stop_token stop) override {
    const SteadyTime deadline = std::chrono::steady_clock::now() + request.timeout;
    BOOST_OUTCOME_TRY(call, begin(request, kLargestBody, 0, deadline, stop));
    BOOST_OUTCOME_TRYV(finish(call, request, deadline, stop));
    Response response{call.inbox->status(), call.inbox->take_body(), call.inbox->retry_after()};
    if (response.status == 401) credentials_->distrust();
    return response;
  }

  Result<std::unique_ptr<Stream>> open_stream(const Request& request, std::stop_token stop) override {
    const SteadyTime deadline = std::chrono::steady_clock::now() + request.timeout;
    BOOST_OUTCOME_TRY(call, begin(request, kLongestLine, kPauseStreamAbove, deadline, stop));
    const int status = call.inbox->status();
    if (status >= 200 && status < 300) {
      std::unique_ptr<Stream> stream = std::make_unique<CpprestStream>(
          std::move(call.connections), std::move(call.exchange), std::move(call.inbox), authority_, std::move(stop));
      return Result<std::unique_ptr<Stream>>(std::move(stream));
    }
    if (status == 401) credentials_->distrust();
    BOOST_OUTCOME_TRYV(finish(call, request, deadline, stop));
    return error_from_response({status, call.inbox->take_body(), call.inbox->retry_after()}, describe(request));
  }

 private:
  struct Call {
    std::shared_ptr<CpprestConnections> connections;
    std::unique_ptr<Exchange> exchange;
    std::shared_ptr<ResponseInbox> inbox;
  };

  Result<Call> begin(const Request& request, std::size_t most_bytes, std::size_t pause_above, SteadyTime deadline,
                     const std::stop_token& stop) {
    if (request.path.empty() || request.path.front() != '/') {
      return invalid("the path \"" + excerpt(request.path) + "\" does not begin with a slash");
    }
    if (stop.stop_requested()) return cancelled();
    Result<CredentialSnapshot> credentials = credentials_->current(deadline, stop);
    if (!credentials) return with_context(std::move(credentials).error(), authority_);
    const SteadyTime now = std::chrono::steady_clock::now();
    BOOST_OUTCOME_TRY(addresses, names_.addresses(now, deadline, stop));
    std::size_t refused = 0;
    for (int stale = 0;;) {
      const std::string& address = addresses[preferred_ % addresses.size()];
      Call call{connections_to(address, credentials.value().tls), nullptr,
                std::make_shared<ResponseInbox>(most_bytes, pause_above)};
      call.exchange = call.connections->start(request, credentials.value().token, call.inbox);
      const auto until = pause_above == 0 ? &ResponseInbox::wait_for_end : &ResponseInbox::wait_for_headers;
      if (Status waited = wait(call, until, request, deadline, stop); !waited) {
        // Perhaps this address leads nowhere: the next request tries another.
        if (waited.error().code == ErrorCode::Timeout) ++preferred_;
        return std::move(waited).error();
      }
      const std::optional<WireFailure> failure = call.inbox->failure();
      if (call.inbox->status() != 0 || !failure) return Result<Call>(std::move(call));
      if (failure->stage == WireFailure::Stage::Stale && stale++ < kMostStaleConnections) continue;
      if (failure->stage == WireFailure::Stage::Connect) {
        ++preferred_;
        if (++refused < addresses.size()) continue;
        names_.distrust();
      }
      return error_of(*failure, request.method, authority_, call.connections->certificate_problem());
    }
  }

  Status finish(const Call& call, const Request& request, SteadyTime deadline, const std::stop_token& stop) {
    BOOST_OUTCOME_TRYV(wait(call, &ResponseInbox::wait_for_end, request, deadline, stop));
    if (const std::optional<WireFailure> failure = call.inbox->failure()) {
      call.exchange->cancel();  // an endless body still comes in
      return error_of(*failure, request.method, authority_, "");
    }
    return ok();
  }

  Status wait(const Call& call, Waited (ResponseInbox::*until)(SteadyTime, const std::stop_token&),
              const Request& request, SteadyTime deadline, const std::stop_token& stop) {
    const Waited waited = (*call.inbox.*until)(deadline, stop);
    if (waited == Waited::Done) return ok();
    // The library closes the connection in its own time; we are gone by then.
    call.exchange->cancel();
    call.inbox->abandon();
    if (waited == Waited::Stopped) return cancelled();
    return Error{ErrorCode::Timeout,
                 authority_ + (call.inbox->status() == 0 ? " did not answer" : " did not finish its answer") +
                     " within " + milliseconds_text(request.timeout),
                 0,
                 {}};
  }

  Error cancelled() const { return {ErrorCode::Cancelled, "the request to " + authority_ + " was stopped", 0, {}}; }

  // New TLS credentials need new connections; requests under way keep the old ones alive.
  std::shared_ptr<CpprestConnections> connections_to(const std::string& address,
                                                     const std::shared_ptr<const TlsCredentials>& tls) {
    const std::lock_guard lock(mutex_);
    if (tls != tls_ || connections_.size() > kMostAddresses) connections_.clear();
    tls_ = tls;
    std::shared_ptr<CpprestConnections>& connections = connections_[address];
    if (connections == nullptr) connections = make_connections(server_, address, server_name_, insecure_, tls);
    return connections;
  }

  const ServerUrl server_;
  const std::string server_name_;
  const bool insecure_;
  const std::string authority_;
  const std::unique_ptr<Credentials> credentials_;
  NameLookup names_;
  std::atomic<std::size_t> preferred_{0};  ///< which of the addresses, counted on for ever
  std::mutex mutex_;
  std::shared_ptr<const TlsCredentials> tls_;                               // guarded by mutex_
  std::map<std::string, std::shared_ptr<CpprestConnections>> connections_;  // by address; guarded by mutex_
};

}  // namespace

void initialise_http() {
  // cpprestsdk joins its threads later than OpenSSL would clean up: what those hold would be lost, and a connection
  // that ends by then would crash.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  stop_default_trust_loading();
  start_cpprest_thread();
}

Result<std::shared_ptr<Transport>> make_transport(const ClusterConfig& config) {
  Result<ServerUrl> server = parse_server_url(config.server);
  if (!server) return with_context(std::move(server).error(), "server");
  Result<std::unique_ptr<Credentials>> credentials = Credentials::make(config);
  if (!credentials) return with_context(std::move(credentials).error(), config.server);
  return Result<std::shared_ptr<Transport>>(
      std::make_shared<CpprestTransport>(std::move(server).value(), config, std::move(credentials).value()));
}

}  // namespace headroom::kube
