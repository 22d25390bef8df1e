#include "operator/monitoring/prometheus.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/duration.h"
#include "operator/kube/status_error.h"
#include "operator/kube/url.h"

namespace headroom::monitoring {
namespace {

using nlohmann::json;

Error failure(ErrorCode code, std::string message, int status = 0) {
  return Error{code, std::move(message), status, {}};
}

ErrorCode class_of(int status) {
  switch (status) {
    case 400:
    case 422:
      return ErrorCode::InvalidArgument;
    case 401:
      return ErrorCode::Unauthorized;
    case 403:
      return ErrorCode::Forbidden;
    case 429:
      return ErrorCode::TooManyRequests;
    default:
      return status >= 500 ? ErrorCode::Unavailable : ErrorCode::Internal;
  }
}

Error refusal(const kube::Response& response, const json& answer) {
  std::string reason;
  if (answer.is_object() && answer.contains("error") && answer["error"].is_string()) {
    reason = answer["error"].get<std::string>();
  } else {
    reason = response.body;
  }
  std::string message = absl::StrCat("the metrics server answers ", response.status, ": ", kube::excerpt(reason));
  if (response.status == 401 || response.status == 403) {
    message += " (check spec.metrics.authSecretRef of the Region)";
  } else if (response.status == 404) {
    message += " (check spec.metrics.url of the Region: /api/v1/query is appended to it)";
  }
  return failure(class_of(response.status), std::move(message), response.status);
}

/// [<unix time>, "<value>"].
Result<double> value_of_sample(const json& sample, const InstantQuery& query, absl::Time now) {
  double value = 0;
  const bool shaped = sample.is_array() && sample.size() == 2 && sample[0].is_number() && sample[1].is_string();
  if (!shaped || !absl::SimpleAtod(sample[1].get_ref<const std::string&>(), &value)) {
    return failure(ErrorCode::Internal, absl::StrCat("not a sample: ", kube::excerpt(sample.dump())));
  }
  if (!std::isfinite(value)) {
    return failure(ErrorCode::NotFound, absl::StrCat("the answer is ", sample[1].get_ref<const std::string&>(),
                                                     ": divide by something that is never 0, or guard the expression"));
  }
  const absl::Duration age = now - absl::FromUnixSeconds(0) - absl::Seconds(sample[0].get<double>());
  if (age > query.staleness) {
    return failure(
        ErrorCode::NotFound,
        absl::StrCat("the answer is ", format_duration(absl::Trunc(age, absl::Seconds(1))),
                     " old, older than spec.metrics.staleness of the Region (", format_duration(query.staleness), ")"));
  }
  return value;
}

Result<double> value_of_vector(const json& samples, const InstantQuery& query, absl::Time now) {
  if (!samples.is_array()) return failure(ErrorCode::Internal, "not a Prometheus answer: the vector is no list");
  if (samples.empty()) {
    return failure(ErrorCode::NotFound, "the answer is empty: no series matches, or none has a recent sample");
  }
  if (samples.size() > 1) {
    return invalid(absl::StrCat("the answer has ", samples.size(),
                                " series and must have one: aggregate, for instance with sum(...) or max(...)"));
  }
  const json& series = samples[0];
  if (!series.is_object() || !series.contains("value")) {
    return invalid(
        "the answer is a native histogram: take a number from it, for instance with histogram_quantile(...)");
  }
  return value_of_sample(series["value"], query, now);
}

}  // namespace

Result<kube::Request> instant_query_request(const InstantQuery& query) {
  kube::Request request;
  request.method = kube::Method::Post;
  request.path = "/api/v1/query";
  request.content_type = "application/x-www-form-urlencoded";
  request.timeout = query.timeout;
  // Plain seconds: durations with a unit must be whole numbers there.
  request.body = absl::StrCat(
      "query=", kube::percent_encode(query.expression), "&lookback_delta=", absl::ToDoubleSeconds(query.staleness),
      "&timeout=", std::chrono::duration<double>(query.timeout).count(), "&partial_response=false");
  if (!query.tenant_header.empty()) {
    const std::size_t colon = query.tenant_header.find(':');
    const std::string name(absl::StripAsciiWhitespace(query.tenant_header.substr(0, colon)));
    if (colon == std::string::npos || name.empty()) {
      return invalid(absl::StrCat("spec.metrics.tenantHeader '", query.tenant_header,
                                  "' is no header: write it as 'X-Scope-OrgID: tenant'"));
    }
    request.headers.emplace_back(name, absl::StripAsciiWhitespace(query.tenant_header.substr(colon + 1)));
  }
  return request;
}

Result<double> value_of_answer(const kube::Response& response, const InstantQuery& query, absl::Time now) {
  const json answer = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (response.status != 200) return refusal(response, answer);
  const auto data = answer.is_object() ? answer.find("data") : answer.end();
  if (!answer.is_object() || data == answer.end() || !data->is_object() || !data->contains("result")) {
    return failure(ErrorCode::Internal, absl::StrCat("not a Prometheus answer: ", kube::excerpt(response.body),
                                                     " (check spec.metrics.url of the Region)"));
  }
  const std::string type = data->contains("resultType") && (*data)["resultType"].is_string()
                               ? (*data)["resultType"].get<std::string>()
                               : std::string();
  if (type == "vector") return value_of_vector((*data)["result"], query, now);
  if (type == "scalar") return value_of_sample((*data)["result"], query, now);
  if (type == "matrix") {
    return invalid(
        "the answer is a range: query one moment, for instance with rate(...[5m]) or max_over_time(...[5m])");
  }
  return invalid(absl::StrCat("the answer is of type '", type, "': the expression must yield one number"));
}

Result<double> ask_prometheus(kube::Transport& transport, const InstantQuery& query, absl::Time now,
                              std::stop_token stop) {
  BOOST_OUTCOME_TRY(request, instant_query_request(query));
  BOOST_OUTCOME_TRY(response, transport.send(request, std::move(stop)));
  return value_of_answer(response, query, now);
}

}  // namespace headroom::monitoring
