#include "webhook/app/lease_life.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

#include "operator/base/duration.h"
#include "operator/base/log.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kSoon{200};
constexpr char kAnnotationPrefix[] = "headroom.dev/";

std::string text_at(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

json at(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_object() ? *it : json::object();
}

}  // namespace

std::string lease_name(const std::string& identity) {
  constexpr std::size_t kLongestName = 253;
  std::string name = absl::StrCat("headroom-webhook-", absl::AsciiStrToLower(identity));
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = '-';
  }
  name.resize(std::min(name.size(), kLongestName));
  while (name.back() == '-') name.pop_back();
  return name;
}

LeaseState lease_state(const json& lease) {
  const json metadata = at(lease, "metadata");
  const json annotations = at(metadata, "annotations");
  const json spec = at(lease, "spec");
  LeaseState state;
  state.holder.name = text_at(metadata, "name");
  if (!absl::SimpleAtoi(text_at(annotations, kEpochAnnotation), &state.holder.epoch)) {
    state.holder.epoch = 0;
  }
  for (const auto& [key, value] : annotations.items()) {
    if (key != kEpochAnnotation && key.starts_with(kAnnotationPrefix) && value.is_string()) {
      state.announced.emplace(key, value.get<std::string>());
    }
  }
  state.process = text_at(spec, "holderIdentity");
  state.renewed = text_at(spec, "renewTime");
  state.resource_version = text_at(metadata, "resourceVersion");
  return state;
}

LeaseLife::LeaseLife(std::shared_ptr<kube::Client> client, LeaseOptions options, Now now, LeaseListener listener)
    : client_(std::move(client)), options_(std::move(options)), now_(std::move(now)), listener_(std::move(listener)) {}

LeaseLife::~LeaseLife() { stop(); }

void LeaseLife::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void LeaseLife::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void LeaseLife::give_up() {
  if (!stored_) return;
  const auto removed =
      client_->remove(kube::types::kLease, {options_.ns, options_.name}, {"", stored_->resource_version}, {});
  if (!removed) log::warning("the Lease stays until others tidy up", {{"error", removed.error().message}});
}

void LeaseLife::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  bool failing = false;
  while (!stop.stop_requested()) {
    const Status renewed = renew(stop);
    if (stop.stop_requested()) return;
    if (!renewed && !failing) {
      log::warning("the Lease could not be renewed", {{"lease", options_.name}, {"error", renewed.error().message}});
    }
    failing = !renewed;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, failing ? kSoon : absl::ToChronoMilliseconds(options_.life / 3), [] { return false; });
  }
}

Result<json> LeaseLife::write(std::int64_t epoch, const std::stop_token& stop) {
  json annotations = options_.announces();
  // What is announced no more is to go: a merge patch leaves what it does not name.
  if (stored_) {
    for (const auto& [key, text] : stored_->announced) annotations.emplace(key, nullptr);
  }
  annotations[kEpochAnnotation] = std::to_string(epoch);
  json lease = {{"metadata",
                 {{"labels", {{kWebhookLeaseLabel, kWebhookLeaseComponent}}}, {"annotations", std::move(annotations)}}},
                {"spec",
                 {{"holderIdentity", options_.identity},
                  {"leaseDurationSeconds",
                   std::max<std::int64_t>(absl::ToInt64Seconds(absl::Ceil(options_.life, absl::Seconds(1))), 1)},
                  {"renewTime", format_rfc3339_micro(now_().wall)}}}};
  if (stored_) {
    lease["metadata"]["resourceVersion"] = stored_->resource_version;
    return client_->patch(kube::types::kLease, {options_.ns, options_.name}, kube::PatchType::Merge, lease, stop);
  }
  lease["apiVersion"] = kube::types::kLease.api_version();
  lease["kind"] = kube::types::kLease.kind;
  lease["metadata"]["namespace"] = options_.ns;
  lease["metadata"]["name"] = options_.name;
  return client_->create(kube::types::kLease, lease, stop);
}

Status LeaseLife::renew(const std::stop_token& stop) {
  if (!read_) {
    const Result<json> lease = client_->get(kube::types::kLease, {options_.ns, options_.name}, stop);
    if (!lease && lease.error().code != ErrorCode::NotFound) return lease.error();
    stored_ = lease ? std::optional(lease_state(lease.value())) : std::nullopt;
    read_ = true;
    const bool tidied_up = !stored_ && now_().boot >= until_ + options_.tidied_up_after;
    if (newest_ > 0 && !tidied_up && (!stored_ || limits::parse_revision(stored_->resource_version) < newest_)) {
      log::warning("the Lease is older than it was left: the store was restored, or somebody deleted the Lease",
                   {{"lease", options_.name}});
      newest_ = 0;
      until_ = -absl::InfiniteDuration();
      listener_.went_back();
    }
  }
  const limits::BootTime begun = now_().boot;
  // Somebody else's hand on it, or a lapse: what this life was lent is not its own any more.
  const bool lapsed = begun >= until_ || (stored_ && stored_->process != options_.identity);
  const std::int64_t stored_epoch = stored_ ? stored_->holder.epoch : 0;
  const std::int64_t epoch = epoch_ && !lapsed ? *epoch_ : std::max(stored_epoch, epoch_.value_or(0)) + 1;
  const Result<json> written = write(epoch, stop);
  if (!written) {
    read_ = false;  // it may have landed, or another version is there
    return written.error();
  }
  stored_ = lease_state(written.value());
  newest_ = limits::parse_revision(stored_->resource_version);
  if (now_().boot >= until_ && epoch_ == epoch) {
    return Error{ErrorCode::Timeout, "it had lapsed before its renewal was answered", 0, {}};  // the next begins anew
  }
  if (epoch_ != epoch) {
    epoch_ = epoch;
    listener_.began({options_.name, epoch});
  }
  until_ = begun + options_.life;
  listener_.held_until(until_);
  return ok();
}

}  // namespace headroom::webhook
