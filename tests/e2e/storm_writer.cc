#include "tests/e2e/storm_writer.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr std::size_t kMostOwned = 8;
// The API server's request deadline of limits_home(), and a margin: what has not landed by then never will.
constexpr std::chrono::seconds kMayStillLand{15};

api::ObjectKey key_of(const json& object) {
  return {object.at("metadata").at("namespace"), object.at("metadata").at("name")};
}

}  // namespace

json deployment(const std::string& ns, const std::string& name, std::int64_t replicas) {
  const json labels = {{"app", name}};
  const json container = {{"name", "worker"}, {"image", "registry.example/worker:1"}};
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", {{"namespace", ns}, {"name", name}}},
          {"spec",
           {{"replicas", replicas},
            {"selector", {{"matchLabels", labels}}},
            {"template", {{"metadata", {{"labels", labels}}}, {"spec", {{"containers", json::array({container})}}}}}}}};
}

StormWriter::StormWriter(StormClient& client, const StormGround& ground, int number, std::uint64_t seed)
    : client_(client), ground_(ground), number_(number), random_(seed + static_cast<std::uint64_t>(number)) {}

std::int64_t StormWriter::up_to(std::int64_t most) {
  return std::uniform_int_distribution<std::int64_t>(1, most)(random_);
}

std::string StormWriter::new_name(const char* kind) { return absl::StrCat(kind, "-", number_, "-", ++made_); }

Outcome StormWriter::step() {
  if (!doubts_.empty() && one_in(4)) return clear_doubts();
  const std::int64_t what = up_to(100);
  if (what <= 40 && artifacts_.size() < kMostOwned) return create_artifact();
  if (what <= 55 && !artifacts_.empty()) {
    return resize(artifacts_[static_cast<std::size_t>(up_to(static_cast<std::int64_t>(artifacts_.size()))) - 1]);
  }
  if (what <= 60) return resize_shared();
  if (what <= 80 && !artifacts_.empty()) return delete_artifact();
  if (what <= 85 || !workload_) return create_or_delete_workload();
  return scale_workload();
}

void StormWriter::keep_unless_unknown(Outcome outcome, const kube::ResourceType& type, const json& object) {
  if (outcome == Outcome::Unknown) doubts_.push_back({type, key_of(object), std::chrono::steady_clock::now()});
}

Outcome StormWriter::create_artifact() {
  const bool elsewhere = one_in(4);
  const std::string& ns =
      elsewhere
          ? ground_
                .namespaces[static_cast<std::size_t>(up_to(static_cast<std::int64_t>(ground_.namespaces.size()))) - 1]
          : ground_.namespaces.front();
  json object = artifact(ns, new_name("a"), up_to(ground_.most_size));
  const Outcome outcome = client_.create(kArtifact, object);
  keep_unless_unknown(outcome, kArtifact, object);
  if (outcome == Outcome::Landed) artifacts_.push_back(std::move(object));
  return outcome;
}

Outcome StormWriter::resize(json& object) {
  json after = object;
  after["spec"]["size"] = up_to(ground_.most_size);
  const Outcome outcome = client_.change(kArtifact, object, after);
  if (outcome == Outcome::Landed) {
    object = std::move(after);
  } else if (outcome == Outcome::Unknown) {
    keep_unless_unknown(outcome, kArtifact, object);
    std::erase(artifacts_, json(object));
  }
  return outcome;
}

Outcome StormWriter::resize_shared() {
  json after = ground_.shared[static_cast<std::size_t>(up_to(static_cast<std::int64_t>(ground_.shared.size()))) - 1];
  after["spec"]["size"] = up_to(ground_.most_size);
  return client_.change(kArtifact, std::nullopt, after);
}

Outcome StormWriter::delete_artifact() {
  const auto at = artifacts_.begin() + up_to(static_cast<std::int64_t>(artifacts_.size())) - 1;
  const Outcome outcome = client_.remove(kArtifact, key_of(*at));
  keep_unless_unknown(outcome, kArtifact, *at);
  if (outcome == Outcome::Landed || outcome == Outcome::Unknown) artifacts_.erase(at);
  return outcome;
}

Outcome StormWriter::create_or_delete_workload() {
  if (!workload_) {
    json object = deployment(ground_.workloads, new_name("d"), up_to(ground_.most_replicas));
    const Outcome outcome = client_.create(kube::types::kDeployment, object);
    keep_unless_unknown(outcome, kube::types::kDeployment, object);
    if (outcome == Outcome::Landed) workload_ = std::move(object);
    return outcome;
  }
  const Outcome outcome = client_.remove(kube::types::kDeployment, key_of(*workload_));
  keep_unless_unknown(outcome, kube::types::kDeployment, *workload_);
  if (outcome == Outcome::Landed || outcome == Outcome::Unknown) workload_.reset();
  return outcome;
}

Outcome StormWriter::scale_workload() {
  json after = *workload_;
  after["spec"] = {{"replicas", up_to(ground_.most_replicas)}};
  const Outcome outcome = client_.change(kube::types::kDeployment, *workload_, after, one_in(2) ? "scale" : "");
  if (outcome == Outcome::Landed) {
    (*workload_)["spec"]["replicas"] = after["spec"]["replicas"];
  } else if (outcome == Outcome::Unknown) {
    keep_unless_unknown(outcome, kube::types::kDeployment, *workload_);
    workload_.reset();
  }
  return outcome;
}

Outcome StormWriter::clear_doubts() {
  const Doubt doubt = doubts_.front();
  doubts_.erase(doubts_.begin());
  const bool over = std::chrono::steady_clock::now() - doubt.since > kMayStillLand;
  const Outcome outcome = client_.remove(doubt.type, doubt.key);
  // That it is not there may mean that it is still to come.
  if (outcome != Outcome::Landed || !over) doubts_.push_back(doubt);
  return outcome;
}

}  // namespace headroom::e2e
