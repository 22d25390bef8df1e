#include "webhook/app/verdict_answer.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

namespace headroom::webhook {
namespace {

using limits::CompiledLimit;
using limits::Verdict;
using Unavailable = api::ScaleLimitSpec::Unavailable;

// A write in flight lands, or a swap, well within this; client-go waits as long and tries again by itself.
constexpr std::chrono::seconds kTryAgain{1};
// What takes longer to come back is asked for again meanwhile: bounds change, and others give up.
constexpr std::chrono::seconds kTryAgainAtLatest{60};

/// metav1.StatusReason of an HTTP status.
const char* status_reason(int code) {
  switch (code) {
    case 409:
      return "AlreadyExists";
    case 413:
      return "RequestEntityTooLarge";
    case 429:
      return "TooManyRequests";
    case 503:
      return "ServiceUnavailable";
    default:
      return "Forbidden";
  }
}

Answer refusal(int code, std::string message) {
  Answer answer;
  answer.allowed = false;
  answer.code = code;
  answer.reason = status_reason(code);
  answer.message = std::move(message);
  if (code == 429 || code == 503) answer.retry_after = kTryAgain;
  return answer;
}

std::string limit_name(const CompiledLimit& limit) {
  return absl::StrCat(api::to_string(limit.limit().kind), " ", limit.limit().meta.key().to_string());
}

}  // namespace

std::string dimension_name(const Verdict& verdict, const CompiledLimit& limit) {
  if (verdict.kind == Verdict::Kind::OverConcurrency) return api::kConcurrencyDimension;
  if (verdict.kind == Verdict::Kind::OverRate) return api::kRateDimension;
  const bool stored = verdict.limit == limit.id() && verdict.dimension < limit.ledger_dimensions().size();
  return stored ? limit.ledger_dimensions()[verdict.dimension].name : std::string();
}

std::string figures_text(const Verdict& verdict, const CompiledLimit& limit) {
  const auto writes = [](limits::Amount amount) { return static_cast<std::int64_t>(amount / limits::kOneWrite); };
  const auto& rate = limit.limit().spec.rate;
  if (verdict.kind == Verdict::Kind::OverConcurrency) {
    return absl::StrCat(limit_name(limit), ": over concurrency: in progress ", writes(verdict.used), ", asked ",
                        writes(verdict.asked), ", hard ", writes(verdict.hard));
  }
  if (verdict.kind == Verdict::Kind::OverRate && rate) {
    const absl::Duration window = limits::rate_window(*rate);
    return absl::StrCat(limit_name(limit), ": over rate: ", writes(verdict.used), " writes within ",
                        absl::FormatDuration(window), ", asked ", writes(verdict.asked), ", hard ",
                        writes(verdict.hard), " (", rate->writes_per_second, " a second)");
  }
  if (verdict.dimension >= limit.ledger_dimensions().size()) return limit_name(limit);
  const api::LimitDimension& dimension = limit.ledger_dimensions()[verdict.dimension];
  const auto text = [&](limits::Amount amount) { return Quantity::from_nano(amount).canonical(dimension.format); };
  return absl::StrCat(limit_name(limit), ": over ", dimension.name, ": used ", text(verdict.used), ", asked ",
                      text(verdict.asked), ", hard ", text(verdict.hard));
}

Answer answer_to(const Verdict& verdict, const CompiledLimit* limit, const WrittenObject& object) {
  if (verdict.kind == Verdict::Kind::Allowed) return {};
  const std::string type = object.group.empty() ? object.resource : absl::StrCat(object.resource, ".", object.group);
  if (verdict.kind == Verdict::Kind::NameTaken) {
    return refusal(409, absl::StrCat(type, " \"", object.name, "\" already exists"));
  }
  if (limit == nullptr) return refusal(429, "the limit that this write was held against is changing; try again");
  if (verdict.kind == Verdict::Kind::OverLimit) return refusal(403, figures_text(verdict, *limit));
  if (verdict.kind == Verdict::Kind::OverConcurrency || verdict.kind == Verdict::Kind::OverRate) {
    const std::int64_t seconds = absl::ToInt64Seconds(absl::Ceil(verdict.retry_after, absl::Seconds(1)));
    const auto wait = std::clamp(std::chrono::seconds(seconds), kTryAgain, kTryAgainAtLatest);
    Answer answer = refusal(429, absl::StrCat(figures_text(verdict, *limit), "; try again in ", wait.count(),
                                              wait == kTryAgain ? " second" : " seconds"));
    answer.retry_after = wait;
    return answer;
  }
  if (verdict.kind == Verdict::Kind::InFlight) {
    return refusal(429,
                   absl::StrCat(figures_text(verdict, *limit), "; writes that are under way hold the rest; try again"));
  }
  std::string message =
      absl::StrCat(limit_name(*limit), ": cannot be judged now; its ledger or this webhook is not in touch");
  if (limit->limit().spec.unavailable == Unavailable::Fail) return refusal(503, message + "; try again");
  Answer allowed;
  allowed.warnings.push_back(message + "; allowed, as its unavailable is Ignore");
  return allowed;
}

Answer refusal_for(const limits::Finding& finding) {
  Answer answer = refusal(finding.code, finding.message);
  answer.audit_annotations.emplace_back("reason", finding.reason);
  return answer;
}

}  // namespace headroom::webhook
