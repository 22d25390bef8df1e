#include "operator/status/metrics_server.h"

#include <absl/strings/ascii.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "operator/base/log.h"

namespace headroom::status {
namespace {

using std::chrono::milliseconds;

// A few Prometheus servers scrape a process; more that are not known yet at one time are guesses of tokens.
constexpr std::size_t kMostWaiting = 64;
constexpr milliseconds kLookAtFiles{2000};

net::HttpResponse text(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers = {{"X-Content-Type-Options", "nosniff"}};
  return response;
}

/// Of a certificate that nobody verifies; a host's name that cannot stand in one is left out.
std::set<std::string> own_names() {
  std::set<std::string> names{"localhost"};
  char host[256] = {};
  const bool known = gethostname(host, sizeof host - 1) == 0;
  const std::string name = known ? host : "";
  const auto plain = [](unsigned char c) { return absl::ascii_isalnum(c) || c == '.' || c == '-'; };
  if (!name.empty() && std::ranges::all_of(name, plain)) names.insert(name);
  return names;
}

}  // namespace

kube::ClientLimits review_limits() {
  kube::ClientLimits limits;
  limits.request_timeout = milliseconds(3000);
  limits.retry_for = milliseconds(1500);
  return limits;
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const runtime::MetricsServing& serving,
                                                            std::shared_ptr<kube::Writer> reviewer,
                                                            const runtime::Metrics& metrics, Expose expose,
                                                            const Clock& clock, AccessMemory memory) {
  std::unique_ptr<MetricsServer> made(new MetricsServer(metrics, std::move(expose), clock));
  net::ServerOptions options;
  options.address = serving.address;
  options.port = serving.port;
  if (serving.secure) {
    made->access_ = std::make_unique<MetricsAccess>(std::move(reviewer), clock, memory);
    made->certificate_ = std::make_unique<ServingCertificate>(serving.certificate_directory, own_names());
    BOOST_OUTCOME_TRY(pair, made->certificate_->look(clock.wall_now()));
    options.certificate_pem = pair->certificate_pem;
    options.key_pem = pair->key_pem;
  }
  BOOST_OUTCOME_TRY(server, net::HttpServer::start(options, [self = made.get()](const net::HttpRequest& request,
                                                                                net::Responder responder) {
                      self->answer(request, std::move(responder));
                    }));
  made->server_ = std::move(server);
  if (serving.secure) {
    made->asking_ = std::jthread([self = made.get()](const std::stop_token& stop) { self->ask_in_turn(stop); });
    made->following_ =
        std::jthread([self = made.get()](const std::stop_token& stop) { self->follow_certificate(stop); });
  }
  log::info("serving metrics", {{"port", std::to_string(made->port())}, {"secure", serving.secure ? "true" : "false"}});
  return made;
}

MetricsServer::MetricsServer(const runtime::Metrics& metrics, Expose expose, const Clock& clock)
    : clock_(clock), exposition_(metrics_only(metrics, std::move(expose))) {}

MetricsServer::~MetricsServer() { stop(milliseconds(0)); }

void MetricsServer::stop(milliseconds drain) {
  if (server_) server_->stop(drain);
  asking_ = {};
  following_ = {};
}

void MetricsServer::answer(const net::HttpRequest& request, net::Responder responder) {
  const bool wanted = request.path() == "/metrics";
  if (!access_ || !wanted) return responder.answer(exposition_(request));
  if (const auto verdict = access_->known(request.authorization)) {
    return respond(*verdict, request, std::move(responder));
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [](const Waiting& one) { return one.responder.gone(); });
  if (waiting_.size() >= kMostWaiting) {
    net::HttpResponse busy = text(503, "too many readers wait to be judged; try again\n");
    busy.headers.emplace_back("Retry-After", "5");
    return responder.answer(std::move(busy));
  }
  waiting_.push_back({request.authorization, {request.method, request.target, {}, {}, {}}, std::move(responder)});
  changed_.notify_one();
}

void MetricsServer::respond(const Verdict& verdict, const net::HttpRequest& request, net::Responder responder) const {
  if (!verdict) return responder.answer(exposition_(request));
  net::HttpResponse refused = text(verdict->status, verdict->text);
  if (verdict->status == 401) refused.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"metrics\"");
  responder.answer(std::move(refused));
}

/// One after the other: whoever waits with the same token finds the answer known.
void MetricsServer::ask_in_turn(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    if (!next.responder.gone())
      respond(access_->ask(next.authorization, stop), next.request, std::move(next.responder));
    lock.lock();
  }
}

void MetricsServer::follow_certificate(const std::stop_token& stop) {
  std::string told;
  std::mutex mutex;
  std::condition_variable_any pause;
  std::unique_lock lock(mutex);
  while (!pause.wait_for(lock, stop, kLookAtFiles, [] { return false; }) && !stop.stop_requested()) {
    const auto pair = certificate_->look(clock_.wall_now());
    std::string problem = pair ? "" : pair.error().message;
    if (pair && pair.value()) {
      const Status used = server_->use_certificate(pair.value()->certificate_pem, pair.value()->key_pem);
      if (used) {
        log::info("the server of metrics shows another certificate");
      } else {
        problem = used.error().message;
      }
    }
    if (!problem.empty() && problem != told)
      log::warning("the certificate for metrics stays as it is", {{"reason", problem}});
    told = problem;
  }
}

}  // namespace headroom::status
