#include "operator/controllers/webhook_lives.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

namespace headroom::controllers {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// As long as the webhook's own default, before any Lease tells.
constexpr milliseconds kUsualLife{15'000};
// A Lease that tells nonsense shall not keep the backstop away for hours.
constexpr std::int64_t kLongestSeconds = 600;

milliseconds with_margin(milliseconds life) { return life + life / 3; }

}  // namespace

class WebhookLives::Sink final : public runtime::ObjectSink {
 public:
  explicit Sink(WebhookLives& lives) : lives_(lives) {}

  void list_begins() override { listed_.clear(); }
  void listed(const json& object) override {
    lives_.saw(object, false);
    listed_.insert(api::meta_from_json(object).name);
  }
  void discard_listed() override { listed_.clear(); }
  std::vector<api::ObjectKey> commit_listed() override {
    lives_.retain(listed_);
    return {{}};
  }
  api::ObjectKey applied(const json& object) override {
    lives_.saw(object, true);
    return api::meta_from_json(object).key();
  }
  api::ObjectKey deleted(const json& object) override {
    lives_.forget(api::meta_from_json(object).name);
    return api::meta_from_json(object).key();
  }

 private:
  WebhookLives& lives_;
  std::set<std::string> listed_;
};

WebhookLives::WebhookLives(const Clock& clock)
    : clock_(clock),
      life_(kUsualLife),
      alive_until_(clock.steady_now() + with_margin(kUsualLife)),
      known_from_(alive_until_) {}

std::unique_ptr<runtime::ObjectSink> WebhookLives::sink() { return std::make_unique<Sink>(*this); }

void WebhookLives::begin_anew() {
  std::lock_guard lock(mutex_);
  known_from_ = clock_.steady_now() + with_margin(life_);
  alive_until_ = std::max(alive_until_, known_from_);
}

SteadyTime WebhookLives::alive_until() const {
  std::lock_guard lock(mutex_);
  return alive_until_;
}

bool WebhookLives::known() const {
  std::lock_guard lock(mutex_);
  return clock_.steady_now() >= known_from_;
}

void WebhookLives::saw(const json& lease, bool happened) {
  const json spec = lease.value("spec", json::object());
  const std::string renewed = spec.value("renewTime", "");
  const std::int64_t seconds = spec.value("leaseDurationSeconds", std::int64_t{0});
  std::lock_guard lock(mutex_);
  const auto [known, added] = renewed_.try_emplace(api::meta_from_json(lease).name, renewed);
  // One that a first list shows may have been left by a replica that is long gone.
  const bool news = added ? happened : std::exchange(known->second, renewed) != renewed;
  if (!news) return;
  life_ = std::chrono::seconds(std::clamp<std::int64_t>(seconds, 1, kLongestSeconds));
  known_from_ = clock_.steady_now();
  alive_until_ = known_from_ + with_margin(life_);
}

void WebhookLives::forget(const std::string& lease) {
  std::lock_guard lock(mutex_);
  renewed_.erase(lease);
}

void WebhookLives::retain(const std::set<std::string>& listed) {
  std::lock_guard lock(mutex_);
  std::erase_if(renewed_, [&](const auto& entry) { return !listed.contains(entry.first); });
}

}  // namespace headroom::controllers
