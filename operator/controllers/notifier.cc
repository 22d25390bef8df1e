#include "operator/controllers/notifier.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "operator/base/log.h"
#include "operator/base/random_seed.h"
#include "operator/controllers/alert_delivery.h"
#include "operator/controllers/probes.h"
#include "operator/kube/cpprest_transport.h"
#include "operator/kube/status_error.h"

namespace headroom::controllers {
namespace {

constexpr std::chrono::milliseconds kPostTimeout{5'000};

class PostingNotifier final : public Notifier {
 public:
  PostingNotifier(const std::vector<Receiver>& receivers, runtime::Metrics& metrics, NotifierSurroundings surroundings)
      : metrics_(metrics), surroundings_(std::move(surroundings)), book_(receivers, options_) {
    for (const Receiver& receiver : receivers) types_[receiver.name] = receiver.type;
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  ~PostingNotifier() override {
    thread_.request_stop();
    thread_.join();
  }

  void set_active(const std::string& owner, std::vector<Alert> alerts) override {
    const std::lock_guard lock(mutex_);
    book_.set_active(owner, std::move(alerts), steady_now(), surroundings_.machine->wall_now());
    news_ = true;
    wake_.notify_all();
  }

 private:
  SteadyTime steady_now() const { return surroundings_.machine->steady_now(); }

  std::optional<Delivery> next(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (auto due = book_.take(steady_now())) return due;
      news_ = false;
      const SteadyTime now = steady_now();
      constexpr std::chrono::hours kLongSleep{1};
      const auto pause = book_.next_due().value_or(now + kLongSleep) - now;
      wake_.wait_for(lock, stop, std::max<std::chrono::nanoseconds>(pause, std::chrono::milliseconds(1)),
                     [this] { return news_; });
    }
    return std::nullopt;
  }

  Status post(const Delivery& delivery, const std::stop_token& stop) {
    const bool alertmanager = types_.at(delivery.receiver) == Receiver::Type::Alertmanager;
    BOOST_OUTCOME_TRY(url, split_url(delivery.url));
    std::shared_ptr<kube::Transport>& transport = transports_[url.origin];
    if (!transport) {
      kube::ClusterConfig config;
      config.server = url.origin;
      BOOST_OUTCOME_TRY(connected, surroundings_.connect(config));
      transport = std::move(connected);
    }
    const absl::Time now = surroundings_.machine->wall_now();
    kube::Request request;
    request.method = kube::Method::Post;
    request.path = alertmanager ? absl::StrCat(absl::StripSuffix(url.path, "/"), "/api/v2/alerts") : url.path;
    request.content_type = "application/json";
    request.body = alertmanager ? alertmanager_body(delivery.alerts, now, options_.lasts)
                                : webhook_body(delivery.receiver, delivery.alerts, now);
    request.timeout = kPostTimeout;
    BOOST_OUTCOME_TRY(answer, transport->send(request, stop));
    if (answer.status / 100 == 2) return ok();
    return Error{ErrorCode::Unavailable,
                 absl::StrCat("it answers ", answer.status, ": ", kube::excerpt(answer.body)),
                 answer.status,
                 {}};
  }

  void run(const std::stop_token& stop) {
    while (auto delivery = next(stop)) {
      const Status posted = post(*delivery, stop);
      if (stop.stop_requested()) return;
      metrics_.add("headroom_notifications_total", "Posts to receivers of notifications, by outcome.",
                   {{"receiver", delivery->receiver}, {"result", posted ? "delivered" : "failed"}});
      const std::string receiver = delivery->receiver, url = delivery->url;
      bool given_up = false;
      std::int64_t dropped = 0;
      {
        const std::lock_guard lock(mutex_);
        given_up = book_.settle(std::move(*delivery), posted.has_value(), steady_now(), random_());
        dropped = book_.dropped();
      }
      metrics_.set("headroom_notifications_dropped", "Notifications dropped because too many waited.", {},
                   static_cast<double>(dropped));
      if (!posted) {
        log::warning(given_up ? "notification given up" : "notification failed, will be tried again",
                     {{"receiver", receiver}, {"url", url}, {"error", posted.error().message}});
      }
    }
  }

  runtime::Metrics& metrics_;
  const NotifierSurroundings surroundings_;
  const DeliveryOptions options_;
  std::map<std::string, Receiver::Type> types_;

  std::mutex mutex_;
  std::condition_variable_any wake_;
  DeliveryBook book_;  // guarded by mutex_
  bool news_ = false;  // guarded by mutex_

  // The thread's own.
  std::map<std::string, std::shared_ptr<kube::Transport>> transports_;  ///< by origin
  std::mt19937_64 random_{random_seed()};
  std::jthread thread_;
};

}  // namespace

std::unique_ptr<Notifier> make_notifier(const std::vector<Receiver>& receivers, const Clock& /*clock*/,
                                        runtime::Metrics& metrics, NotifierSurroundings surroundings) {
  static const SystemClock kMachine;
  if (surroundings.machine == nullptr) surroundings.machine = &kMachine;
  if (!surroundings.connect) surroundings.connect = kube::make_transport;
  return std::make_unique<PostingNotifier>(receivers, metrics, std::move(surroundings));
}

}  // namespace headroom::controllers
