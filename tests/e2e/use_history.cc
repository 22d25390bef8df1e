#include "tests/e2e/use_history.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "operator/kube/cpprest_transport.h"
#include "tests/e2e/clusters.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

// The gRPC gateway of etcd: bytes as base64, 64-bit numbers as strings. All keys are watched, so that every revision is
// heard of, whosever it is.
constexpr char kFirstKey[] = "/registry/", kBehindLastKey[] = "/registry0";

std::string base64(const std::string& text) { return absl::Base64Escape(text); }

std::string bytes(const json& object, const char* field) {
  std::string text;
  EXPECT_TRUE(absl::Base64Unescape(object.value(field, ""), &text));
  return text;
}

StoreRevision number(const json& object, const char* field) {
  StoreRevision value = 0;
  EXPECT_TRUE(absl::SimpleAtoi(object.at(field).get<std::string>(), &value));
  return value;
}

std::shared_ptr<kube::Transport> transport_to(std::uint16_t port) {
  kube::ClusterConfig config;
  config.server = absl::StrCat("http://127.0.0.1:", port);
  return kube::make_transport(config).value();
}

kube::Request post(const std::string& path, const json& question) {
  kube::Request request;
  request.method = kube::Method::Post;
  request.path = path;
  request.body = question.dump();
  request.content_type = "application/json";
  return request;
}

}  // namespace

StoreRevision revision_of(const json& object) { return number(object.at("metadata"), "resourceVersion"); }

UseHistory::UseHistory(std::uint16_t etcd, std::vector<StoredType> types, std::vector<Bound> bounds)
    : types_(std::move(types)), bounds_(std::move(bounds)), etcd_(transport_to(etcd)), now_(bounds_.size()) {
  const json now = ask("/v3/kv/range", {{"key", base64(kFirstKey)}, {"range_end", base64(kBehindLastKey)}});
  for (const json& stored : now.value("kvs", json::array())) take({{"kv", stored}});
  changes_.clear();
  at_first_ = now_;
  reached_ = number(now.at("header"), "revision");
  thread_ = std::jthread([this, from = reached_ + 1](const std::stop_token& stop) { watch(from, stop); });
}

UseHistory::~UseHistory() = default;

json UseHistory::ask(const std::string& path, const json& question) const {
  const auto answer = etcd_->send(post(path, question), {});
  EXPECT_TRUE(answer) << answer.error().message;
  const json told = answer ? json::parse(answer.value().body, nullptr, false) : json();
  EXPECT_TRUE(told.is_object() && told.contains("header")) << told;
  return told.is_object() && told.contains("header") ? told : json{{"header", {{"revision", "0"}}}};
}

void UseHistory::watch(StoreRevision from, const std::stop_token& stop) {
  const json wanted = {
      {"key", base64(kFirstKey)}, {"range_end", base64(kBehindLastKey)}, {"start_revision", std::to_string(from)}};
  auto stream = etcd_->open_stream(post("/v3/watch", {{"create_request", wanted}}), stop);
  while (stream) {
    const auto line = stream.value()->read_line(std::chrono::minutes(5));
    if (stop.stop_requested()) return;
    if (!line || !line.value()) break;
    const json told = json::parse(*line.value(), nullptr, false);
    if (!told.is_object() || !told.contains("result")) break;
    for (const json& event : told.at("result").value("events", json::array())) take(event);
  }
  if (!stop.stop_requested()) ADD_FAILURE() << "the watch of etcd has ended";
}

void UseHistory::take(const json& event) {
  const json& entry = event.at("kv");
  const std::string key = bytes(entry, "key");
  const StoreRevision revision = number(entry, "mod_revision");
  const bool gone = event.value("type", "") == "DELETE";
  const std::lock_guard lock(mutex_);
  reached_ = std::max(reached_, revision);
  if (std::ranges::none_of(types_, [&](const StoredType& one) { return key.starts_with(one.prefix); })) return;
  Uses uses(bounds_.size());
  if (!gone) {
    const json object = json::parse(bytes(entry, "value"), nullptr, false);
    EXPECT_TRUE(object.is_object()) << key << " is not stored as JSON";
    for (std::size_t i = 0; i < bounds_.size() && object.is_object(); ++i) uses[i] = bounds_[i].use(object);
  }
  Uses more = uses;
  const auto known = objects_.find(key);
  for (std::size_t i = 0; i < more.size(); ++i) {
    if (known != objects_.end()) more[i] -= known->second[i];
    now_[i] += more[i];
  }
  changes_.push_back({revision, std::move(more)});
  if (gone) {
    objects_.erase(key);
    deleted_[key] = revision;
  } else {
    objects_[key] = std::move(uses);
  }
}

std::int64_t UseHistory::now(std::size_t bound) const {
  const std::lock_guard lock(mutex_);
  return now_[bound];
}

bool UseHistory::settle(int seconds) {
  const StoreRevision newest =
      number(ask("/v3/kv/range", {{"key", base64(kFirstKey)}, {"count_only", true}}).at("header"), "revision");
  const auto arrived = [&] {
    const std::lock_guard lock(mutex_);
    return reached_ >= newest;
  };
  if (!eventually(seconds, arrived)) return false;
  const std::lock_guard lock(mutex_);
  at_ = {0};
  uses_ = {at_first_};
  for (const Change& change : changes_) {
    if (at_.back() != change.revision) {
      at_.push_back(change.revision);
      uses_.push_back(uses_.back());
    }
    for (std::size_t i = 0; i < bounds_.size(); ++i) uses_.back()[i] += change.more[i];
  }
  return true;
}

std::int64_t UseHistory::most(std::size_t bound) const {
  std::int64_t most = 0;
  for (const Uses& uses : uses_) most = std::max(most, uses[bound]);
  return most;
}

std::int64_t UseHistory::most_between(std::size_t bound, StoreRevision from, StoreRevision to) const {
  std::size_t i = static_cast<std::size_t>(std::ranges::upper_bound(at_, from) - at_.begin());
  if (i > 0) --i;
  std::int64_t most = 0;
  for (const std::size_t first = i; i < at_.size() && (i == first || at_[i] <= to); ++i) {
    most = std::max(most, uses_[i][bound]);
  }
  return most;
}

StoreRevision UseHistory::deleted_at(const kube::ResourceType& type, const api::ObjectKey& key) const {
  const std::lock_guard lock(mutex_);
  for (const StoredType& stored : types_) {
    if (stored.type != type) continue;
    const auto it = deleted_.find(absl::StrCat(stored.prefix, key.to_string()));
    if (it != deleted_.end()) return it->second;
  }
  return 0;
}

}  // namespace headroom::e2e
