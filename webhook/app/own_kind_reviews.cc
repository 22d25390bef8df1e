#include "webhook/app/own_kind_reviews.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/time_zone.h"
#include "operator/validation/limits.h"
#include "operator/validation/regions.h"
#include "operator/validation/schedules.h"
#include "operator/validation/targets.h"
#include "webhook/review_endpoint.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;
using validation::Finding;
using validation::Snapshot;

// A rule says the same of many objects at times; the API server keeps 4 KiB.
constexpr std::size_t kMostWarnings = 16;
constexpr int kTimeoutSeconds = 3;

template <class T>
using Reader = Result<T> (*)(const json&);

/// What controllers could make of it; else the reason as a finding.
template <class T>
std::shared_ptr<const T> read(Reader<T> from_json, const json& object, std::vector<Finding>& findings) {
  auto result = from_json(object);
  if (result) return std::make_shared<const T>(std::move(result).value());
  findings.push_back({Finding::Severity::Error, "", result.error().message});
  return nullptr;
}

template <class T>
std::vector<Finding> check_one(Reader<T> from_json, const json& object, const Snapshot& others) {
  std::vector<Finding> findings;
  if (const auto typed = read(from_json, object, findings)) return validation::check(*typed, others);
  return findings;
}

std::vector<Finding> check_limit(Reader<api::ScaleLimit> from_json, const json& object, const json* former,
                                 const Snapshot& others) {
  std::vector<Finding> findings, ignored;
  const auto limit = read(from_json, object, findings);
  if (!limit) return findings;
  const auto before = former == nullptr ? nullptr : read(from_json, *former, ignored);
  return validation::check(*limit, before.get(), others);
}

std::vector<Finding> check_schedule(const json& object, const Snapshot& others, absl::Time now) {
  std::vector<Finding> findings;
  const auto schedule = read<api::FestivalSchedule>(api::festival_schedule_from_json, object, findings);
  if (!schedule) return findings;
  const auto zone = load_time_zone(schedule->spec.time_zone);
  if (!zone) return {{Finding::Severity::Error, "spec.timeZone", zone.error().message}};
  std::vector<validation::ZonedSchedule> neighbours;
  for (const auto& other : others.schedules) {
    if (other->meta.ns != schedule->meta.ns) continue;
    const auto theirs = load_time_zone(other->spec.time_zone);
    if (theirs) neighbours.push_back({other, theirs.value()});
  }
  return validation::check({schedule, zone.value()}, neighbours, others, now);
}

std::vector<Finding> check(const json& object, const json* former, const Snapshot& others, absl::Time now) {
  const std::string kind = object.value("kind", "");
  if (kind == "Region") return check_one<api::Region>(api::region_from_json, object, others);
  if (kind == "ScaleTarget") return check_one<api::ScaleTarget>(api::scale_target_from_json, object, others);
  if (kind == "FestivalSchedule") return check_schedule(object, others, now);
  if (kind == "ScaleLimit") return check_limit(api::scale_limit_from_json, object, former, others);
  if (kind == "ClusterScaleLimit") return check_limit(api::cluster_scale_limit_from_json, object, former, others);
  return {};
}

bool is_error(const Finding& finding) { return finding.severity == Finding::Severity::Error; }

void decide(const Review& review, const std::string& body, ReviewResponder responder,
            const std::function<OwnKindsNow()>& now) {
  const bool writes = review.operation == Operation::Create || review.operation == Operation::Update;
  if (!writes || !review.sub_resource.empty() || review.object->deleting()) return responder.answer({});
  const json parsed = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return responder.answer({});  // by another parser's view of numbers: CRDs judge those
  const json& request = parsed.at("request");
  const OwnKindsNow known = now();
  const OwnKindWrite write{request.at("object"),
                           review.operation == Operation::Update ? &request.at("oldObject") : nullptr};
  std::vector<Finding> findings = judge(write, known.snapshot, known.now);
  if (!known.complete) std::erase_if(findings, [](const Finding& finding) { return !is_error(finding); });
  responder.answer(answer_to(findings, write.object));
}

}  // namespace

std::vector<Finding> judge(const OwnKindWrite& write, const Snapshot& others, absl::Time now) {
  std::vector<Finding> findings = check(write.object, write.former, others, now);
  if (write.former == nullptr || std::ranges::none_of(findings, is_error)) return findings;
  return validation::softened(std::move(findings), check(*write.former, nullptr, others, now));
}

Answer answer_to(const std::vector<Finding>& findings, const json& object) {
  Answer answer;
  std::vector<std::string> errors;
  for (const Finding& finding : findings) {
    if (is_error(finding)) {
      errors.push_back(validation::text_of(finding));
    } else if (answer.warnings.size() < kMostWarnings) {
      answer.warnings.push_back(validation::text_of(finding));
    }
  }
  if (errors.empty()) return answer;
  const json& meta = object.at("metadata");
  answer.allowed = false;
  answer.code = 422;
  answer.reason = "Invalid";
  answer.message =
      absl::StrCat(object.value("kind", ""), " ", meta.value("namespace", ""), meta.contains("namespace") ? "/" : "",
                   meta.value("name", meta.value("generateName", "")), ": ", absl::StrJoin(errors, "; "));
  return answer;
}

net::AsyncHttpHandler own_kinds_endpoint(std::function<OwnKindsNow()> now) {
  return [now = std::move(now)](const net::HttpRequest& request, net::Responder responder) {
    const auto handler = review_endpoint(
        [&](const Review& review, ReviewResponder reply) { decide(review, request.body, std::move(reply), now); });
    handler(request, std::move(responder));
  };
}

json own_kinds_entry(const WebhookAddress& address) {
  return {{"name", "kinds.headroom.dev"},
          {"admissionReviewVersions", {"v1"}},
          {"clientConfig", client_config(address, kOwnKindsPath)},
          {"failurePolicy", address.own_kinds_fail ? "Fail" : "Ignore"},
          {"matchPolicy", "Equivalent"},
          {"sideEffects", "None"},
          {"timeoutSeconds", kTimeoutSeconds},
          {"matchConditions",
           {{{"name", "spec-changes"},
             {"expression",
              "!has(object.metadata.deletionTimestamp) && (request.operation == 'CREATE' || !has(object.spec) || "
              "!has(oldObject.spec) || object.spec != oldObject.spec)"}}}},
          {"rules",
           {{{"apiGroups", {api::kGroup}},
             {"apiVersions", {api::kVersion}},
             {"resources", {"clusterscalelimits", "festivalschedules", "regions", "scalelimits", "scaletargets"}},
             {"operations", {"CREATE", "UPDATE"}},
             {"scope", "*"}}}}};
}

}  // namespace headroom::webhook
