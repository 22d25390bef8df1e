#include "operator/controllers/alert_delivery.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/duration.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;

std::map<std::string, Receiver> by_name(const std::vector<Receiver>& receivers) {
  std::map<std::string, Receiver> named;
  for (const Receiver& receiver : receivers) named[receiver.name] = receiver;
  return named;
}

bool same_identity(const Alert& a, const Alert& b) { return a.receiver == b.receiver && a.labels == b.labels; }

bool contains(const std::vector<Alert>& alerts, const Alert& alert) {
  return std::ranges::any_of(alerts, [&](const Alert& one) { return same_identity(one, alert); });
}

bool is_resolved(const SentAlert& sent) { return sent.resolved_at.has_value(); }

absl::Time start_of(const SentAlert& sent, absl::Time now) {
  return std::min({sent.alert.starts_at, now, sent.resolved_at.value_or(now)});
}

json labels_json(const std::map<std::string, std::string>& labels) {
  // Alertmanager refuses an empty label value's alert as a whole.
  json object = json::object();
  for (const auto& [name, value] : labels) {
    if (!value.empty()) object[name] = value;
  }
  return object;
}

std::string text_of(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

DeliveryBook::DeliveryBook(const std::vector<Receiver>& receivers, DeliveryOptions options)
    : receivers_(by_name(receivers)), options_(options) {}

void DeliveryBook::deliver(const Receiver& receiver, const std::vector<SentAlert>& alerts, SteadyTime due) {
  if (alerts.empty()) return;
  for (const std::string& url : receiver.urls) {
    if (waiting_.size() >= options_.most_waiting) {
      const auto resolved = std::ranges::find_if(
          waiting_, [](const Waiting& waiting) { return std::ranges::all_of(waiting.delivery.alerts, is_resolved); });
      waiting_.erase(resolved == waiting_.end() ? waiting_.begin() : resolved);
      ++dropped_;
    }
    waiting_.push_back({{receiver.name, url, alerts, 0}, due});
  }
}

void DeliveryBook::set_active(const std::string& owner, std::vector<Alert> alerts, SteadyTime steady, absl::Time now) {
  std::erase_if(alerts, [&](const Alert& alert) { return !receivers_.contains(alert.receiver); });
  std::vector<Alert> before;
  std::size_t others = 0;
  for (auto& [name, active] : active_) {
    if (name == owner) {
      before = std::move(active);
    } else {
      others += active.size();
    }
  }
  active_.erase(owner);
  const std::size_t room = options_.most_alerts - std::min(options_.most_alerts, others);
  if (alerts.size() > room) {
    dropped_ += static_cast<std::int64_t>(alerts.size() - room);
    alerts.resize(room);
  }
  // An alert goes on as it began: its start is part of what receivers know.
  for (Alert& alert : alerts) {
    const auto former = std::ranges::find_if(before, [&](const Alert& one) { return same_identity(one, alert); });
    if (former != before.end()) alert.starts_at = former->starts_at;
  }
  std::map<std::string, std::vector<SentAlert>> news;
  for (const Alert& alert : alerts) {
    // New words are for those who show the present state; a webhook would take them for another alert.
    const bool webhook = receivers_.at(alert.receiver).type == Receiver::Type::Webhook;
    const bool known = webhook ? contains(before, alert) : std::ranges::find(before, alert) != before.end();
    if (!known) news[alert.receiver].push_back({alert, std::nullopt});
  }
  for (const Alert& alert : before) {
    if (!contains(alerts, alert)) news[alert.receiver].push_back({alert, now});
  }
  if (!alerts.empty()) active_[owner] = std::move(alerts);
  for (Waiting& waiting : waiting_) forget_overtaken(waiting.delivery);
  std::erase_if(waiting_, [](const Waiting& waiting) { return waiting.delivery.alerts.empty(); });
  for (const auto& [name, sent] : news) {
    const Receiver& receiver = receivers_.at(name);
    deliver(receiver, sent, steady);
    if (receiver.type != Receiver::Type::Alertmanager) continue;
    if (active_of(name).empty()) {
      resend_due_.erase(name);
    } else {
      resend_due_.try_emplace(name, steady + options_.resend);
    }
  }
}

void DeliveryBook::forget_overtaken(Delivery& delivery) const {
  std::erase_if(delivery.alerts, [&](const SentAlert& sent) {
    const bool active =
        std::ranges::any_of(active_, [&](const auto& entry) { return contains(entry.second, sent.alert); });
    return active == is_resolved(sent);
  });
}

std::vector<SentAlert> DeliveryBook::active_of(const std::string& receiver) const {
  std::vector<SentAlert> active;
  for (const auto& [owner, alerts] : active_) {
    for (const Alert& alert : alerts) {
      if (alert.receiver == receiver) active.push_back({alert, std::nullopt});
    }
  }
  return active;
}

std::optional<Delivery> DeliveryBook::take(SteadyTime now) {
  for (auto& [name, due] : resend_due_) {
    if (due > now) continue;
    due = now + options_.resend;
    // A delivery of active alerts that still waits for its next attempt would tell the same.
    std::erase_if(waiting_, [&, receiver = name](const Waiting& waiting) {
      return waiting.delivery.receiver == receiver && std::ranges::none_of(waiting.delivery.alerts, is_resolved);
    });
    deliver(receivers_.at(name), active_of(name), now);
  }
  const auto next = std::ranges::find_if(waiting_, [&](const Waiting& waiting) { return waiting.due <= now; });
  if (next == waiting_.end()) return std::nullopt;
  Delivery delivery = std::move(next->delivery);
  waiting_.erase(next);
  return delivery;
}

bool DeliveryBook::settle(Delivery delivery, bool delivered, SteadyTime now, std::uint64_t random) {
  if (delivered) return false;
  forget_overtaken(delivery);
  if (delivery.alerts.empty()) return false;
  if (++delivery.attempt >= options_.attempts) return true;
  const auto delay = options_.retry.delay(delivery.attempt - 1, random);
  waiting_.push_back({std::move(delivery), now + delay});
  return false;
}

std::optional<SteadyTime> DeliveryBook::next_due() const {
  std::optional<SteadyTime> earliest;
  const auto consider = [&](SteadyTime due) {
    if (!earliest || due < *earliest) earliest = due;
  };
  for (const Waiting& waiting : waiting_) consider(waiting.due);
  for (const auto& [receiver, due] : resend_due_) consider(due);
  return earliest;
}

std::string alertmanager_body(const std::vector<SentAlert>& alerts, absl::Time now, absl::Duration lasts) {
  json list = json::array();
  for (const SentAlert& sent : alerts) {
    list.push_back({{"labels", labels_json(sent.alert.labels)},
                    {"annotations", sent.alert.annotations},
                    {"startsAt", format_rfc3339_micro(start_of(sent, now))},
                    {"endsAt", format_rfc3339_micro(sent.resolved_at ? *sent.resolved_at : now + lasts)}});
  }
  return text_of(list);
}

std::string webhook_body(const std::string& receiver, const std::vector<SentAlert>& alerts, absl::Time now) {
  json list = json::array();
  bool firing = false;
  for (const SentAlert& sent : alerts) {
    firing = firing || !sent.resolved_at;
    list.push_back({{"status", sent.resolved_at ? "resolved" : "firing"},
                    {"labels", labels_json(sent.alert.labels)},
                    {"annotations", sent.alert.annotations},
                    {"startsAt", format_rfc3339_micro(start_of(sent, now))},
                    // Go's zero time: an end that is not known.
                    {"endsAt", sent.resolved_at ? format_rfc3339_micro(*sent.resolved_at) : "0001-01-01T00:00:00Z"}});
  }
  return text_of({{"version", "4"},
                  {"groupKey", "headroom"},
                  {"truncatedAlerts", 0},
                  {"status", firing ? "firing" : "resolved"},
                  {"receiver", receiver},
                  {"groupLabels", json::object()},
                  {"commonLabels", json::object()},
                  {"commonAnnotations", json::object()},
                  {"externalURL", ""},
                  {"alerts", std::move(list)}});
}

}  // namespace headroom::controllers
