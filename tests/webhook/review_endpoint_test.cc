#include "webhook/review_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/webhook/sample_review.h"

namespace headroom::webhook {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

// What a connection would have been told, in order.
class Recorder final : public net::ResponseSink {
 public:
  void answer(std::uint64_t, net::HttpResponse response) override { responses.push_back(std::move(response)); }
  bool gone(std::uint64_t) const override { return client_gone; }

  std::vector<net::HttpResponse> responses;
  bool client_gone = false;
};

net::HttpRequest review_request() {
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/admit";
  request.content_type = "application/json";
  request.body = sample_review().dump();
  return request;
}

net::HttpResponse answer_to(const net::HttpRequest& request, const ReviewDecider& decide) {
  const auto recorder = std::make_shared<Recorder>();
  review_endpoint(decide)(request, net::Responder(recorder, 1));
  EXPECT_EQ(recorder->responses.size(), 1u);
  return recorder->responses.at(0);
}

void allow(const Review&, ReviewResponder responder) { responder.answer({}); }

TEST(ReviewEndpoint, hands_the_review_on_and_its_answer_back) {
  const net::HttpResponse response = answer_to(review_request(), [](const Review& review, ReviewResponder responder) {
    EXPECT_EQ(review.name, "cart");
    EXPECT_FALSE(responder.gone());
    Answer denial;
    denial.allowed = false;
    denial.code = 413;
    responder.answer(denial);
    EXPECT_TRUE(responder.gone());
  });
  EXPECT_EQ(response.status, 200) << "the status of the call, not of the write";
  EXPECT_EQ(response.content_type, "application/json");
  const Json json = Json::parse(response.body);
  EXPECT_EQ(json["response"]["uid"], sample_uid());
  EXPECT_EQ(json["response"]["allowed"], false);
  EXPECT_EQ(json["response"]["status"]["code"], 413);
}

TEST(ReviewEndpoint, answers_with_the_uid_when_the_decision_comes_later) {
  const auto recorder = std::make_shared<Recorder>();
  std::optional<ReviewResponder> kept;
  const auto endpoint =
      review_endpoint([&kept](const Review&, ReviewResponder responder) { kept.emplace(std::move(responder)); });
  endpoint(review_request(), net::Responder(recorder, 1));
  EXPECT_TRUE(recorder->responses.empty());
  EXPECT_FALSE(kept->gone());
  recorder->client_gone = true;
  EXPECT_TRUE(kept->gone());
  kept->answer({});
  EXPECT_EQ(Json::parse(recorder->responses.at(0).body)["response"]["uid"], sample_uid());
}

TEST(ReviewEndpoint, answers_500_when_nobody_decides) {
  EXPECT_EQ(answer_to(review_request(), [](const Review&, const ReviewResponder&) {}).status, 500);
}

TEST(ReviewEndpoint, takes_posts_of_json_only) {
  for (const char* method : {"GET", "PUT", "HEAD", "DELETE", "post", "BREW"}) {
    net::HttpRequest request = review_request();
    request.method = method;
    const net::HttpResponse response = answer_to(request, allow);
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.headers.at(0), std::pair(std::string("Allow"), std::string("POST")));
  }
  const struct {
    const char* type;
    int status;
  } table[] = {
      {"application/json", 200},
      {"application/json; charset=utf-8", 200},
      {"Application/JSON ;charset=utf-8", 200},
      {"", 415},
      {"text/plain", 415},
      {"application/yaml", 415},
      {"application/jsonx", 415},
      {"application/vnd.kubernetes.protobuf", 415},
      {"; application/json", 415},
  };
  for (const auto& row : table) {
    net::HttpRequest request = review_request();
    request.content_type = row.type;
    EXPECT_EQ(answer_to(request, allow).status, row.status) << row.type;
  }
}

TEST(ReviewEndpoint, denies_a_wrong_review_by_its_uid_and_refuses_one_without) {
  net::HttpRequest request = review_request();
  Json review = sample_review();
  review["request"]["operation"] = "PATCH";
  request.body = review.dump();
  net::HttpResponse response = answer_to(request, allow);
  EXPECT_EQ(response.status, 200);
  const Json answer = Json::parse(response.body)["response"];
  EXPECT_EQ(answer["uid"], sample_uid());
  EXPECT_EQ(answer["allowed"], false);
  EXPECT_EQ(answer["status"]["code"], 400);
  EXPECT_THAT(answer["status"]["message"].get<std::string>(), HasSubstr("request.operation is \"PATCH\""));

  request.body = "{";
  response = answer_to(request, allow);
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("not an AdmissionReview"));
}

}  // namespace
}  // namespace headroom::webhook
