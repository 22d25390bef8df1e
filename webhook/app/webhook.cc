#include "webhook/app/webhook.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "operator/base/log.h"
#include "operator/base/random_seed.h"
#include "operator/kube/cpprest_transport.h"
#include "operator/monitoring/query_pool.h"
#include "operator/net/http_server.h"
#include "operator/runtime/manager.h"
#include "operator/runtime/process_metrics.h"
#include "operator/runtime/reflector.h"
#include "operator/runtime/status_metrics.h"
#include "operator/status/health_endpoints.h"
#include "operator/status/metrics_server.h"
#include "webhook/app/asked_write.h"
#include "webhook/app/certificate_keeper.h"
#include "webhook/app/certificate_wiring.h"
#include "webhook/app/cluster_io.h"
#include "webhook/app/engine.h"
#include "webhook/app/flow_report.h"
#include "webhook/app/keeper.h"
#include "webhook/app/lease_life.h"
#include "webhook/app/ledger_codec.h"
#include "webhook/app/ledger_sink.h"
#include "webhook/app/limit_metrics.h"
#include "webhook/app/limit_watches.h"
#include "webhook/app/moment.h"
#include "webhook/app/own_kind_reviews.h"
#include "webhook/app/own_kinds.h"
#include "webhook/app/replica_leases.h"
#include "webhook/app/review_meter.h"
#include "webhook/app/status_writer.h"
#include "webhook/app/switches.h"
#include "webhook/app/type_watches.h"
#include "webhook/app/unlanded.h"
#include "webhook/review_endpoint.h"

namespace headroom::webhook {
namespace {

using std::chrono::milliseconds;

// Some of those of IO wait for bookmarks of large types.
constexpr int kIoThreads = 8, kQueryThreads = 2;
constexpr milliseconds kForgetQueries{60'000};
// Of what landed before the end, others need not wait for the request deadline.
constexpr milliseconds kWaitForLanding{2000};
// Go's transport does not repeat a POST on a connection that was closed under it, and drops connections itself after 90
// s without use: whoever waits for that loses no call.
constexpr milliseconds kQuietBeforeClosing{92'000};

limits::BootTime boot_now() { return machine_moment().boot; }

}  // namespace

struct Webhook::Impl {
  Impl(WebhookOptions options_in, kube::ClusterConfig home_in, const Clock& clock_in)
      : options(std::move(options_in)), home(std::move(home_in)), clock(clock_in), manager(clock_in) {}

  const WebhookOptions options;
  const kube::ClusterConfig home;
  const Clock& clock;
  runtime::Metrics metrics;
  const std::shared_ptr<void> process_metrics = runtime::export_process_metrics(metrics);
  ReviewMeter review_meter{{kReviewPath, kOwnKindsPath}};

  std::shared_ptr<kube::Client> watching;
  std::unique_ptr<ClusterIo> io;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<LimitMetrics> limit_metrics;
  std::unique_ptr<LeaseLife> lease;
  std::unique_ptr<ReplicaLeases> replicas;
  std::unique_ptr<runtime::Reflector> lease_watch, ledger_watch;
  std::unique_ptr<TypeWatches> types;
  std::unique_ptr<Switches> switches;
  std::unique_ptr<LimitWatches> limit_watches;
  std::unique_ptr<OwnKinds> own_kinds;
  std::unique_ptr<monitoring::QueryPool> queries;
  std::shared_ptr<void> write_metrics;
  std::unique_ptr<net::HttpServer> reviews, health;
  std::unique_ptr<status::MetricsServer> metrics_server;

  std::unique_ptr<runtime::ApiEventRecorder> events;
  std::unique_ptr<StatusWriter> statuses;

  std::unique_ptr<CertificateKeeper> certificates;
  std::unique_ptr<Keeper> keeper;
  std::jthread timer;

  std::atomic<bool> stopping{false}, started{false};
  mutable std::atomic<bool> caches_were_filled{false};
  std::atomic<std::int64_t> lease_until_ns{0};
  runtime::Manager manager;
  const SteadyTime born = clock.steady_now();

  Result<std::shared_ptr<kube::Client>> make_client(const kube::ClientLimits& limits);
  Status build();
  Status build_certificates();
  Status start_servers();
  void add_components();
  void expose(runtime::Exposition& scrape) const;
  net::HttpHandler health_endpoints();
  void decide(const Review& review, ReviewResponder responder);
  void drain(milliseconds left);
  bool lease_held() const { return absl::ToInt64Nanoseconds(boot_now()) < lease_until_ns; }
  /// Whether what limits look at is known, or not to be had for now. Once it was, so it stays: a limit that comes later
  /// is judged when it can be, and must not take the others their webhook.
  bool caches_filled() const;
  /// Nothing is in flight, and no ledger names this replica: its Lease says nothing to anybody any more.
  bool gave_all_back() const { return engine->reserved() == 0 && !engine->holds_grants(lease_name(options.replica)); }
};

Result<std::shared_ptr<kube::Client>> Webhook::Impl::make_client(const kube::ClientLimits& client_limits) {
  BOOST_OUTCOME_TRY(transport, kube::make_transport(home));
  auto client = std::make_shared<kube::Client>(std::move(transport), client_limits, random_seed());
  client->set_observer([this](kube::Method method, int status, std::chrono::microseconds took) {
    metrics.request("api-server", kube::to_string(method), status, took);
  });
  return client;
}

Status Webhook::Impl::build() {
  runtime::set_build_info(metrics, "webhook");
  BOOST_OUTCOME_TRY(for_watches, make_client({}));
  watching = std::move(for_watches);
  BOOST_OUTCOME_TRY(for_tasks, make_client(ledger_client_limits()));
  io = std::make_unique<ClusterIo>(std::move(for_tasks), options.own_namespace, kIoThreads, random_seed());
  BOOST_OUTCOME_TRY(for_keeper, make_client(ledger_client_limits()));
  BOOST_OUTCOME_TRY(for_statuses, make_client(ledger_client_limits()));
  BOOST_OUTCOME_TRY(for_events, make_client(ledger_client_limits()));
  kube::ClientLimits lease_limits = ledger_client_limits();
  lease_limits.request_timeout =
      std::min(lease_limits.request_timeout, absl::ToChronoMilliseconds(options.escrow.lease_life / 3));
  BOOST_OUTCOME_TRY(for_lease, make_client(lease_limits));
  BOOST_OUTCOME_TRY(for_election, make_client(lease_limits));

  const std::string holder = lease_name(options.replica);
  engine = std::make_unique<Engine>(
      limits::Holder{holder, 0}, options.escrow, machine_moment, [this](Task task) { io->run(std::move(task)); },
      metrics);
  limit_metrics = std::make_unique<LimitMetrics>(*engine, metrics);
  write_metrics = metrics.before_serialize([this] {
    metrics.set("headroom_limit_writes_waiting", "Writes that wait for an answer", {},
                static_cast<double>(engine->waiting()));
    metrics.set("headroom_limit_writes_in_flight", "Writes that were let through and have no end yet", {},
                static_cast<double>(engine->reserved()));
  });
  lease = std::make_unique<LeaseLife>(
      std::move(for_lease),
      LeaseOptions{options.own_namespace, holder, options.identity, options.escrow.lease_life,
                   tidied_up_after(options.escrow),
                   [this] {
                     return Announcements{{kSeenAnnotation, keeper->seen().text()},
                                          {kProtocolAnnotation, std::to_string(api::kLedgerProtocol)},
                                          {kCertificatesAnnotation, certificates->announcement()},
                                          {kFlowAnnotation, FlowReport::of(engine->take_flow_peaks()).text()},
                                          {kUnlandedAnnotation, UnlandedReport::of(engine->unlanded()).text()}};
                   }},
      machine_moment,
      LeaseListener{[this](limits::BootTime until) {
                      lease_until_ns = absl::ToInt64Nanoseconds(until);
                      engine->lease_held_until(until);
                    },
                    [this](limits::Holder self) {
                      log::info("a life begins", {{"holder", self.name}, {"epoch", std::to_string(self.epoch)}});
                      engine->begin_anew(std::move(self));
                      certificates->look_again();
                    },
                    [this] {
                      engine->store_went_back();
                      lease_watch->begin_anew();
                      ledger_watch->begin_anew();
                      own_kinds->begin_anew();
                      keeper->store_went_back();
                    }});
  replicas =
      std::make_unique<ReplicaLeases>(boot_now, [this](const limits::Holder& one) { engine->holder_renewed(one); });

  events = std::make_unique<runtime::ApiEventRecorder>(std::move(for_events),
                                                       runtime::EventReporter{"headroom.dev/webhook", options.identity},
                                                       clock, metrics, runtime::kGiveWay);
  limit_watches = std::make_unique<LimitWatches>(watching, clock, random_seed(), [this] { keeper->limits_changed(); });
  own_kinds = std::make_unique<OwnKinds>(watching, *limit_watches, options.own_namespace,
                                         options.reached_at.excluded_namespaces, clock, random_seed());
  // Only the replica that writes statuses asks; a while after another does, it no longer polls.
  queries = std::make_unique<monitoring::QueryPool>(
      monitoring::QueryPoolHome{own_kinds->regions(), *watching, metrics, options.query_interval, kForgetQueries},
      [] {}, monitoring::QueryPoolSurroundings{.connect = {}, .threads = kQueryThreads});
  statuses = std::make_unique<StatusWriter>(
      StatusWriterOptions{options.own_namespace, options.identity, options.escrow.lease_life,
                          options.escrow.request_deadline, options.configuration, options.reached_at},
      std::move(for_statuses), std::move(for_election), *engine, *replicas, *own_kinds, *queries, *events, metrics,
      clock, [this] { keeper->configuration_lacks(); }, random_seed());

  runtime::ReflectorOptions watch;
  watch.ns = options.own_namespace;
  watch.type = kube::types::kLease;
  watch.label_selector = absl::StrCat(kWebhookLeaseLabel, "=", kWebhookLeaseComponent);
  lease_watch = std::make_unique<runtime::Reflector>(
      watching, watch, replicas->sink(), [](const api::ObjectKey&) {}, clock, random_seed());
  watch.type = kube::types::kLimitLedger;
  watch.label_selector.clear();
  ledger_watch = std::make_unique<runtime::Reflector>(
      watching, watch, std::make_unique<LedgerSink>(*engine), [](const api::ObjectKey&) {}, clock, random_seed());
  types = std::make_unique<TypeWatches>(watching, *engine, clock, random_seed());
  switches = std::make_unique<Switches>(watching, clock, random_seed());
  engine->use_switches([this](const api::SwitchCondition& condition) { return switches->is_on(condition); });
  BOOST_OUTCOME_TRYV(build_certificates());
  keeper = std::make_unique<Keeper>(
      options, LimitFollowers{*engine, *limit_watches, *types, *switches, *statuses, *lease, *replicas}, *certificates,
      std::move(for_keeper), clock);
  return ok();
}

void Webhook::Impl::decide(const Review& review, ReviewResponder responder) {
  const auto write = asked_write(review);
  if (!write) return responder.answer({});
  engine->decide(*write, review.dry_run, std::move(responder));
}

Status Webhook::Impl::build_certificates() {
  BOOST_OUTCOME_TRY(client, make_client(ledger_client_limits()));
  BOOST_OUTCOME_TRY(made, make_certificate_keeper(
                              options, lease_name(options.replica), std::move(client),
                              CertificateUsers{*replicas, [this] { return clock.wall_now(); }, boot_now,
                                               [this](const certificates::Pair& pair) {
                                                 return reviews->use_certificate(pair.certificate_pem, pair.key_pem);
                                               },
                                               [this] { keeper->bundle_changed(); }},
                              metrics));
  certificates = std::move(made);
  return ok();
}

void Webhook::Impl::expose(runtime::Exposition& scrape) const {
  limit_metrics->expose(scrape);
  runtime::WatchHealths watches(born, clock.steady_now());
  watches.add(kube::types::kLease.to_string(), lease_watch->health());
  watches.add(kube::types::kLimitLedger.to_string(), ledger_watch->health());
  types->report(watches);
  watches.expose(scrape, "local");
  review_meter.expose(scrape);
}

// --- life ---

bool Webhook::Impl::caches_filled() const {
  if (caches_were_filled) return true;
  if (!switches->known() || !ledger_watch->health().synced || !lease_watch->health().synced) return false;
  const auto unlisted = engine->unlisted_types();
  if (!unlisted) return false;
  const std::map<limits::TypeId, std::string> hopeless = types->hopeless();
  if (!std::ranges::all_of(*unlisted, [&](limits::TypeId id) { return hopeless.contains(id); })) return false;
  for (const auto& [id, problem] : hopeless) {
    log::warning("ready, but limits over this kind cannot be judged", {{"error", problem}});
  }
  caches_were_filled = true;
  return true;
}

net::HttpHandler Webhook::Impl::health_endpoints() {
  status::HealthOptions health_options;
  health_options.ready = {
      {"caches", [this] { return caches_filled() ? std::string() : std::string("caches are not filled yet"); }},
      {"lease", [this] { return lease_held() ? std::string() : std::string("this replica's Lease is not held"); }},
      {"certificate", [this] { return certificates->problem(); }},
      {"staying", [this] { return stopping ? std::string("about to end") : std::string(); }}};
  health_options.expose = [this](runtime::Exposition& scrape) { expose(scrape); };
  return options.metrics.alone ? status::health_only(std::move(health_options))
                               : status::health_and_metrics(std::move(health_options), metrics);
}

Status Webhook::Impl::start_servers() {
  net::ServerOptions health_options;
  health_options.address = options.health_address;
  health_options.port = options.health_port;
  BOOST_OUTCOME_TRY(health_server, net::HttpServer::start(health_options, health_endpoints()));
  health = std::move(health_server);
  log::info(options.metrics.alone ? "serving health" : "serving health and metrics",
            {{"port", std::to_string(health->port())}});
  if (options.metrics.alone) {
    BOOST_OUTCOME_TRY(reviewer, make_client(status::review_limits()));
    BOOST_OUTCOME_TRY(of_metrics, status::MetricsServer::start(
                                      options.metrics, std::move(reviewer), metrics,
                                      [this](runtime::Exposition& scrape) { expose(scrape); }, clock));
    metrics_server = std::move(of_metrics);
  }

  BOOST_OUTCOME_TRY(pair, certificates->first({}));
  net::ServerOptions review_options;
  review_options.address = options.address;
  review_options.port = options.port;
  review_options.threads = options.threads;
  review_options.observer = &review_meter;
  review_options.certificate_pem = pair.certificate_pem;
  review_options.key_pem = pair.key_pem;
  review_options.connection_life = options.connection_life;
  review_options.drain_quiet = kQuietBeforeClosing;
  net::AsyncHttpHandler handler = review_endpoint(
      [this](const Review& review, ReviewResponder responder) { decide(review, std::move(responder)); });
  net::AsyncHttpHandler own = own_kinds_endpoint([this] {
    return OwnKindsNow{own_kinds->snapshot(), own_kinds->synced(), clock.wall_now()};
  });
  BOOST_OUTCOME_TRY(
      review_server,
      net::HttpServer::start(review_options, [this, handler = std::move(handler), own = std::move(own)](
                                                 const net::HttpRequest& request, net::Responder responder) {
        const std::string_view path = request.path();
        if (path == kReviewPath) return handler(request, std::move(responder));
        if (path == kOwnKindsPath) return own(request, std::move(responder));
        net::HttpResponse unknown;
        unknown.status = 404;
        unknown.body = absl::StrCat("not found: reviews go to ", kReviewPath, " and ", kOwnKindsPath, "\n");
        responder.answer(std::move(unknown));
      }));
  reviews = std::move(review_server);
  certificates->start();
  log::info("serving reviews", {{"port", std::to_string(reviews->port())}});
  return ok();
}

void Webhook::Impl::drain(milliseconds left) {
  const SteadyTime end = clock.steady_now() + left;
  const auto rest = [&] { return std::chrono::duration_cast<milliseconds>(end - clock.steady_now()); };
  // Not ready from now on, but whoever sends calls here needs a while to see it.
  std::this_thread::sleep_for(std::min(options.drain_delay, left / 2));
  reviews->stop(std::max(rest() - kWaitForLanding, rest() / 2));
  // What came until now was judged as ever; from here on there is nothing to judge.
  engine->retire();
  const SteadyTime until = clock.steady_now() + std::clamp(rest(), milliseconds(0), kWaitForLanding);
  while (!gave_all_back() && clock.steady_now() < until) std::this_thread::sleep_for(milliseconds(20));
}

void Webhook::Impl::add_components() {
  const auto starts = [](auto action) {
    return [action] {
      action();
      return ok();
    };
  };
  manager.add({"io", starts([this] { io->start(*engine, *replicas); }), [this](milliseconds) { io->stop(); }});
  manager.add({"events", starts([] {}), [this](milliseconds left) { events->stop(left); }});
  manager.add({"lease", starts([] {}), [this](milliseconds) {
                 lease->stop();
                 if (gave_all_back()) lease->give_up();
               }});
  manager.add({"watches", starts([this] {
                 ledger_watch->start();
                 lease_watch->start();
                 limit_watches->start();
                 own_kinds->start();
               }),
               [this](milliseconds) {
                 own_kinds->stop();
                 limit_watches->stop();
                 types->stop();
                 switches->stop();
                 lease_watch->request_stop();
                 ledger_watch->request_stop();
                 lease_watch->join();
                 ledger_watch->join();
               }});
  manager.add({"keeper", starts([this] {
                 keeper->start();
                 timer = std::jthread([this](const std::stop_token& stop) { engine->keep_time(stop); });
               }),
               [this](milliseconds) {
                 keeper->stop();
                 timer = {};
               }});
  manager.add({"statuses", starts([this] { statuses->start(); }), [this](milliseconds) {
                 statuses->stop();
                 queries->stop();
               }});
  manager.add({"certificates", starts([] {}), [this](milliseconds) { certificates->stop(); }});
  manager.add({"servers", [this] { return start_servers(); },
               [this](milliseconds left) {
                 drain(left);
                 health->stop(left);
                 if (metrics_server) metrics_server->stop(milliseconds(0));
               }});
}

Webhook::Webhook(WebhookOptions options, kube::ClusterConfig home, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(home), clock)) {}

Webhook::~Webhook() { stop(); }

Status Webhook::start() {
  BOOST_OUTCOME_TRYV(impl_->build());
  impl_->add_components();
  BOOST_OUTCOME_TRYV(impl_->manager.start(impl_->options.drain));
  impl_->started = true;
  return ok();
}

void Webhook::stop() {
  impl_->stopping = true;
  impl_->manager.stop(impl_->options.drain);
}

bool Webhook::ready() const {
  return impl_->started && !impl_->stopping && impl_->lease_held() && impl_->caches_filled() &&
         impl_->certificates->problem().empty();
}

std::uint16_t Webhook::port() const { return impl_->reviews ? impl_->reviews->port() : 0; }
std::uint16_t Webhook::health_port() const { return impl_->health ? impl_->health->port() : 0; }

}  // namespace headroom::webhook
