#include "webhook/answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace headroom::webhook {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

std::string written(const Answer& answer, std::string_view uid = "u-1") {
  std::string out;
  append_answer(out, uid, answer);
  return out;
}

TEST(Answer, allows_in_few_words) {
  EXPECT_EQ(written({}, "705ab4f5-6393"), R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1",)"
                                          R"("response":{"uid":"705ab4f5-6393","allowed":true}})");
}

TEST(Answer, denies_with_status_and_reason) {
  Answer answer;
  answer.allowed = false;
  answer.code = 429;
  answer.reason = "TooManyRequests";
  answer.message = "limit shop/carts: 10 writes/s are used up";
  answer.retry_after = 2s;
  EXPECT_EQ(Json::parse(written(answer)), Json::parse(R"({"kind": "AdmissionReview",
      "apiVersion": "admission.k8s.io/v1", "response": {"uid": "u-1", "allowed": false, "status": {
        "status": "Failure", "code": 429, "reason": "TooManyRequests",
        "message": "limit shop/carts: 10 writes/s are used up", "details": {"retryAfterSeconds": 2}}}})"));
}

TEST(Answer, leaves_out_what_was_not_said) {
  Answer answer;
  answer.allowed = false;
  answer.reason = "Forbidden";
  const Json response = Json::parse(written(answer))["response"];
  EXPECT_EQ(response["status"]["code"], 403);
  EXPECT_FALSE(response["status"].contains("details"));
  EXPECT_FALSE(response.contains("warnings"));
  EXPECT_FALSE(response.contains("auditAnnotations"));
}

TEST(Answer, never_tells_a_client_to_come_back_at_once) {
  Answer answer;
  answer.allowed = false;
  answer.retry_after = 0s;  // the API server sends Retry-After for positive numbers only
  EXPECT_EQ(Json::parse(written(answer))["response"]["status"]["details"]["retryAfterSeconds"], 1);
}

TEST(Answer, carries_warnings_and_audit_annotations_with_either_verdict) {
  for (const bool allowed : {true, false}) {
    Answer answer;
    answer.allowed = allowed;
    answer.warnings = {"80 % of shop/carts are used", "a \"quoted\" word"};
    answer.audit_annotations = {{"limit", "carts"}, {"used", "80"}};
    const Json response = Json::parse(written(answer))["response"];
    EXPECT_EQ(response["allowed"], allowed);
    EXPECT_EQ(response["warnings"], (Json{"80 % of shop/carts are used", "a \"quoted\" word"}));
    EXPECT_EQ(response["auditAnnotations"], (Json{{"limit", "carts"}, {"used", "80"}}));
  }
}

TEST(Answer, escapes_whatever_a_text_holds) {
  std::string every_byte_of_ascii;
  for (char c = 0; c < 0x7F; ++c) every_byte_of_ascii += c;
  for (const std::string& text :
       {std::string("plain"), std::string(), std::string("\"\\\"\\\\"), std::string("two\nlines\r\tand\x7F\x01"),
        std::string("\0", 1), every_byte_of_ascii, std::string("größe, 尺寸, \xF0\x9F\x98\x80, \xEF\xBF\xBF, \xC2\x80"),
        std::string("</script>\xE2\x80\xA8")}) {
    Answer answer;
    answer.allowed = false;
    answer.reason = answer.message = text;
    answer.warnings = {text};
    answer.audit_annotations = {{text, text}};
    const Json response = Json::parse(written(answer, text))["response"];
    EXPECT_EQ(response["uid"], text);
    EXPECT_EQ(response["status"]["message"], text);
    EXPECT_EQ(response["status"]["reason"], text);
    EXPECT_EQ(response["warnings"][0], text);
    EXPECT_EQ(response["auditAnnotations"], (Json{{text, text}}));
  }
}

TEST(Answer, replaces_bytes_that_are_no_utf8) {
  const std::string bad = "\xEF\xBF\xBD";
  const struct {
    std::string text, read;
  } table[] = {
      {"\xFF", bad},
      {"a\x80z", "a" + bad + "z"},
      {"cut \xE2\x82", "cut " + bad + bad},
      {"cut \xC3", "cut " + bad},
      {"\xC3(", bad + "("},
      {"\xC0\xAF", bad + bad},
      {"\xE0\x80\x80", bad + bad + bad},
      {"\xED\xA0\x80", bad + bad + bad},
      {"\xF0\x8F\xBF\xBF", bad + bad + bad + bad},
      {"\xF4\x90\x80\x80", bad + bad + bad + bad},
      {"\xF5\x80\x80\x80", bad + bad + bad + bad},
      {"\xF0\x9F\x98", bad + bad + bad},
      {"\xE2\x82\xAC\xE2\x82", "\xE2\x82\xAC" + bad + bad},
  };
  for (const auto& row : table) {
    Answer answer;
    answer.allowed = false;
    answer.message = row.text;
    EXPECT_EQ(Json::parse(written(answer))["response"]["status"]["message"], row.read) << row.read;
  }
}

}  // namespace
}  // namespace headroom::webhook
