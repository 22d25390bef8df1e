#include "operator/status/metrics_access.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <openssl/evp.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "operator/base/log.h"

namespace headroom::status {
namespace {

using nlohmann::json;

const kube::ResourceType kTokenReview{"authentication.k8s.io", "v1", "tokenreviews", "TokenReview", false};
const kube::ResourceType kSubjectAccessReview{"authorization.k8s.io", "v1", "subjectaccessreviews",
                                              "SubjectAccessReview", false};

// Those of ServiceAccounts have about 1 kB, those of identity providers a few.
constexpr std::size_t kLongestToken = 16'384;

/// Empty when there is none.
std::string bearer_token(const std::string& authorization) {
  static const std::string kScheme = "Bearer ";
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) return "";
  return std::string(absl::StripAsciiWhitespace(authorization.substr(kScheme.size())));
}

std::string digest_of(const std::string& token) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  EVP_Digest(token.data(), token.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(), nullptr);
  digest.resize(size);
  return digest;
}

Refusal unauthorized() {
  return {401, "unauthorized: send the token of a ServiceAccount, as Authorization: Bearer TOKEN\n"};
}

Refusal forbidden(const std::string& user) {
  return {403, absl::StrCat("forbidden: ", user,
                            " may not get /metrics: bind it to a ClusterRole with nonResourceURLs [\"/metrics\"] and "
                            "verbs [\"get\"]\n")};
}

Refusal not_asked() {
  return {500, "the API server could not be asked who you are and what you may read; try again\n"};
}

/// What a TokenReview says of a user is what a SubjectAccessReview asks about, but for its `username`.
json access_of(const json& user) {
  json spec{{"user", user.value("username", "")}, {"nonResourceAttributes", {{"path", "/metrics"}, {"verb", "get"}}}};
  for (const char* field : {"uid", "groups", "extra"}) {
    if (user.contains(field)) spec[field] = user.at(field);
  }
  return spec;
}

json request(const kube::ResourceType& type, json spec) {
  return {{"apiVersion", type.api_version()}, {"kind", type.kind}, {"spec", std::move(spec)}};
}

bool is_true(const json& answer, const char* field) {
  const json::json_pointer path("/status/" + std::string(field));
  return answer.contains(path) && answer.at(path).is_boolean() && answer.at(path).get<bool>();
}

}  // namespace

MetricsAccess::MetricsAccess(std::shared_ptr<kube::Writer> reviewer, const Clock& clock, AccessMemory memory)
    : reviewer_(std::move(reviewer)), clock_(clock), memory_(memory) {}

std::optional<Verdict> MetricsAccess::known(const std::string& authorization) {
  const std::string token = bearer_token(authorization);
  if (token.empty() || token.size() > kLongestToken) return Verdict(unauthorized());
  const std::lock_guard lock(mutex_);
  const auto found = remembered_.find(digest_of(token));
  if (found == remembered_.end() || found->second.until <= clock_.steady_now()) return std::nullopt;
  return found->second.verdict;
}

Verdict MetricsAccess::ask(const std::string& authorization, const std::stop_token& stop) {
  if (const auto verdict = known(authorization)) return *verdict;
  const std::string token = bearer_token(authorization);
  const Result<Verdict> verdict = review(token, stop);
  if (!verdict) {
    log::warning("a reader of metrics could not be judged", {{"reason", verdict.error().message}});
    return not_asked();
  }
  remember(digest_of(token), verdict.value());
  return verdict.value();
}

Result<Verdict> MetricsAccess::review(const std::string& token, const std::stop_token& stop) const {
  BOOST_OUTCOME_TRY(identity, reviewer_->create(kTokenReview, request(kTokenReview, {{"token", token}}), stop));
  const json::json_pointer kUser("/status/user");
  if (!is_true(identity, "authenticated") || !identity.contains(kUser) || !identity.at(kUser).is_object()) {
    return Verdict(unauthorized());
  }
  const json spec = access_of(identity.at(kUser));
  BOOST_OUTCOME_TRY(access, reviewer_->create(kSubjectAccessReview, request(kSubjectAccessReview, spec), stop));
  if (is_true(access, "allowed") && !is_true(access, "denied")) return Verdict();
  return Verdict(forbidden(spec.at("user").get<std::string>()));
}

void MetricsAccess::remember(const std::string& key, const Verdict& verdict) {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.steady_now();
  if (remembered_.size() >= memory_.most) {
    std::erase_if(remembered_, [now](const auto& entry) { return entry.second.until <= now; });
  }
  if (remembered_.size() >= memory_.most) {
    remembered_.erase(std::ranges::min_element(remembered_, {}, [](const auto& entry) { return entry.second.until; }));
  }
  remembered_.insert_or_assign(key, Remembered{verdict, now + (verdict ? memory_.refused : memory_.allowed)});
}

}  // namespace headroom::status
