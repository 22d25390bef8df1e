#include "operator/net/http_message.h"

#include <gtest/gtest.h>

namespace headroom::net {
namespace {

const absl::Time kAt = absl::FromUnixSeconds(1'794'076'200);

std::string written(const HttpResponse& response, bool keep_alive = true, bool without_body = false) {
  std::string text;
  append_response(text, response, {keep_alive, without_body, kAt});
  return text;
}

TEST(HttpMessage, writes_a_whole_response) {
  const HttpResponse response{429, "application/json", "{}", {{"Retry-After", "1"}}};
  EXPECT_EQ(written(response),
            "HTTP/1.1 429 Too Many Requests\r\n"
            "Date: Sat, 07 Nov 2026 18:30:00 GMT\r\n"
            "Retry-After: 1\r\n"
            "Content-Type: application/json\r\n"
            "Content-Length: 2\r\n\r\n{}");
}

TEST(HttpMessage, says_when_the_connection_will_close) {
  EXPECT_NE(written({}, false).find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_EQ(written({}, true).find("Connection"), std::string::npos);
}

TEST(HttpMessage, leaves_bodies_out_where_the_protocol_has_none) {
  HttpResponse response;
  response.body = "body";
  const std::string head = written(response, true, true);
  EXPECT_NE(head.find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  for (const int status : {204, 304}) {
    response.status = status;
    const std::string text = written(response);
    EXPECT_EQ(text.find("Content-Length"), std::string::npos) << status;
    EXPECT_TRUE(text.ends_with("\r\n\r\n")) << status;
  }
}

TEST(HttpMessage, does_not_let_a_value_begin_a_header_of_its_own) {
  HttpResponse response;
  response.headers = {{"X-Reason", "bad\r\nSet-Cookie: stolen"}, {"X-Bad\r\nX-Name", "x"}};
  response.content_type = "text/plain\r\n\r\n<html>";
  const std::string text = written(response);
  EXPECT_EQ(text.find("\nSet-Cookie"), std::string::npos) << text;
  EXPECT_EQ(text.find("\nX-Name"), std::string::npos) << text;
  EXPECT_EQ(text.find("\r\n\r\n"), text.size() - 4) << text;
}

}  // namespace
}  // namespace headroom::net
