#include "webhook/review_endpoint.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>

namespace headroom::webhook {
namespace {

constexpr std::size_t kUsualAnswer = 256;  // bytes; one that allows has about 140

net::HttpResponse refusal(int status, std::string text) {
  net::HttpResponse response;
  response.status = status;
  response.body = std::move(text) + "\n";
  return response;
}

net::HttpResponse answer_to(std::string_view uid, const Answer& answer) {
  net::HttpResponse response;
  response.content_type = "application/json";
  response.body.reserve(kUsualAnswer);
  append_answer(response.body, uid, answer);
  return response;
}

bool is_json(const std::string& content_type) {
  absl::string_view type = content_type;
  type = absl::StripAsciiWhitespace(type.substr(0, type.find(';')));
  return absl::EqualsIgnoreCase(type, "application/json");
}

net::HttpResponse answer_to_no_review(std::string_view uid, const Error& error) {
  if (uid.empty()) return refusal(400, error.message);
  Answer denial;
  denial.allowed = false;
  denial.code = 400;
  denial.reason = "BadRequest";
  denial.message = error.message;
  return answer_to(uid, denial);
}

void take(const net::HttpRequest& request, net::Responder responder, const ReviewDecider& decide) {
  if (request.method != "POST") {
    net::HttpResponse refused = refusal(405, "method not allowed: reviews come by POST");
    refused.headers.emplace_back("Allow", "POST");
    return responder.answer(std::move(refused));
  }
  if (!is_json(request.content_type)) {
    return responder.answer(refusal(415, "unsupported media type: reviews come as application/json"));
  }
  thread_local ReviewReader reader;
  if (const Result<const Review*> review = reader.read(request.body)) {
    decide(*review.value(), ReviewResponder(std::move(responder), review.value()->uid));
  } else {
    responder.answer(answer_to_no_review(reader.uid(), review.error()));
  }
  reader.trim();
}

}  // namespace

void ReviewResponder::answer(const Answer& answer) { responder_.answer(answer_to(uid_, answer)); }

net::AsyncHttpHandler review_endpoint(ReviewDecider decide) {
  return [decide = std::move(decide)](const net::HttpRequest& request, net::Responder responder) {
    take(request, std::move(responder), decide);
  };
}

}  // namespace headroom::webhook
