#include "operator/kube/status_error.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>

#include "operator/kube/wire_failure.h"
#include "tests/support/scripted_transport.h"

namespace headroom::kube {
namespace {

using std::chrono::seconds;
using testing::status_json;

TEST(StatusError, has_the_code_of_its_class) {
  struct Row {
    int status;
    const char* reason;
    ErrorCode code;
  };
  for (const Row& row : {
           Row{400, "BadRequest", ErrorCode::InvalidArgument},
           Row{401, "Unauthorized", ErrorCode::Unauthorized},
           Row{403, "Forbidden", ErrorCode::Forbidden},
           Row{404, "NotFound", ErrorCode::NotFound},
           Row{405, "MethodNotAllowed", ErrorCode::InvalidArgument},
           Row{406, "NotAcceptable", ErrorCode::InvalidArgument},
           Row{408, "", ErrorCode::Timeout},
           Row{409, "AlreadyExists", ErrorCode::AlreadyExists},
           Row{409, "Conflict", ErrorCode::Conflict},
           Row{409, "", ErrorCode::Conflict},
           Row{410, "Expired", ErrorCode::Gone},
           Row{410, "Gone", ErrorCode::Gone},
           Row{413, "RequestEntityTooLarge", ErrorCode::InvalidArgument},
           Row{415, "UnsupportedMediaType", ErrorCode::InvalidArgument},
           Row{422, "Invalid", ErrorCode::Unprocessable},
           Row{429, "TooManyRequests", ErrorCode::TooManyRequests},
           Row{500, "InternalError", ErrorCode::Unavailable},
           Row{501, "", ErrorCode::Internal},
           Row{502, "", ErrorCode::Unavailable},
           Row{503, "ServiceUnavailable", ErrorCode::Unavailable},
           Row{504, "Timeout", ErrorCode::Unavailable},
           Row{520, "", ErrorCode::Unavailable},
           Row{302, "", ErrorCode::Internal},
       }) {
    const Error error =
        error_from_response({row.status, status_json(row.status, row.reason, "why").dump(), seconds(3)}, "GET /x");
    EXPECT_EQ(error.code, row.code) << row.status << " " << row.reason;
    EXPECT_EQ(error.http_status, row.status);
    EXPECT_EQ(error.retry_after, seconds(3));
    EXPECT_NE(error.message.find("GET /x: " + std::to_string(row.status)), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("why"), std::string::npos) << error.message;
  }
}

TEST(StatusError, takes_a_resource_version_from_the_future_for_gone) {
  nlohmann::json status = status_json(504, "Timeout", "Too large resource version: 9, current: 5");
  status["details"]["causes"] = {{{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}}};
  EXPECT_EQ(error_from_response({504, status.dump(), {}}, "GET /x").code, ErrorCode::Gone);
}

TEST(StatusError, quotes_a_proxys_error_page_in_short_and_without_control_characters) {
  const std::string page = "<html>\r\n\x1b[31m" + std::string(100'000, 'x');
  const Error error = error_from_response({502, page, {}}, "GET /x");
  EXPECT_EQ(error.message.find('\n'), std::string::npos);
  EXPECT_EQ(error.message.find('\x1b'), std::string::npos);
  EXPECT_LT(error.message.size(), 400U);
}

TEST(StatusError, keeps_the_whole_refusal_of_an_admission_webhook) {
  const std::string refusal(2000, 'r');
  const Error error = error_from_response({403, status_json(403, "Forbidden", refusal).dump(), {}}, "PATCH /x");
  EXPECT_NE(error.message.find(refusal), std::string::npos);
}

TEST(StatusError, speaks_of_rights_only_where_one_is_lacking) {
  const auto text = [](const std::string& refusal) {
    return error_from_response({403, status_json(403, "Forbidden", refusal).dump(), {}}, "PATCH /x").message;
  };
  for (const char* refusal : {
           R"(leases.coordination.k8s.io "a" is forbidden: User "system:serviceaccount:x:y" cannot update it)",
           R"(pods is forbidden: User "ann" cannot list resource "pods" in API group "" at the cluster scope)",
           R"(forbidden: User "ann" cannot get path "/metrics")",
       }) {
    EXPECT_TRUE(text(refusal).ends_with("; grant the right with a Role or ClusterRole")) << text(refusal);
  }
  for (const char* refusal : {
           R"(admission webhook "limits.headroom.dev" denied the request: over count: used 5, asked 1, hard 5)",
           R"(admission webhook "rights.example.com" denied the request: forbidden: User "ann" cannot do this)",
           R"(widgets.example.com "a" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no)",
           R"(pods "a" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1)",
       }) {
    EXPECT_TRUE(text(refusal).ends_with(refusal)) << text(refusal);
  }
}

TEST(StatusError, survives_a_status_of_the_wrong_shape) {
  for (const char* body : {"", "{}", "[]", "null", "\xff", R"({"kind":"Status"})",
                           R"({"kind":"Status","reason":7,"message":{},"details":[]})",
                           R"({"kind":"Status","details":{"causes":[3,{"reason":4}]}})"}) {
    EXPECT_EQ(error_from_response({409, body, {}}, "PUT /x").code, ErrorCode::Conflict) << body;
  }
}

TEST(RetryAfter, is_a_number_of_seconds_of_at_most_an_hour) {
  EXPECT_EQ(parse_retry_after("1"), seconds(1));
  EXPECT_EQ(parse_retry_after(" 30 "), seconds(30));
  EXPECT_EQ(parse_retry_after("0"), seconds(0));
  EXPECT_EQ(parse_retry_after("999999999"), seconds(3600));
  for (const char* bad : {"", "-1", "1.5", "soon", "99999999999999999999", "Wed, 21 Oct 2026 07:28:00 GMT"}) {
    EXPECT_FALSE(parse_retry_after(bad)) << bad;
  }
}

TEST(Excerpt, cuts_between_characters) {
  std::string text(299, 'a');
  text += "üü";  // two bytes each: the cut falls into the first
  EXPECT_EQ(excerpt(text), std::string(299, 'a') + "...");
}

// --- failures without a response ---

using Stage = WireFailure::Stage;

TEST(WireFailure, is_sorted_by_the_librarys_words) {
  struct Row {
    const char* message;
    Stage stage;
  };
  for (const Row& row : {
           Row{"Error resolving address", Stage::Resolve},
           Row{"Failed to resolve address", Stage::Resolve},
           Row{"Failed to connect to any resolved endpoint", Stage::Connect},
           Row{"Error in SSL handshake", Stage::Handshake},
           Row{"Failed to write request headers", Stage::Send},
           Row{"Failed to write request body", Stage::Send},
           Row{"Failed to read HTTP status line", Stage::Answer},
           Row{"cannot rewind input stream for connection re-establishment", Stage::Answer},
           Row{"Invalid HTTP status line", Stage::Malformed},
           Row{"Invalid chunked response header", Stage::Malformed},
           Row{"Failed to read response body", Stage::Body},
           Row{"Failed to read chunked response part", Stage::Body},
           Row{"Retrieving message chunk header", Stage::Body},
           Row{"something new", Stage::Body},
       }) {
    EXPECT_EQ(classify_wire_failure(row.message, 104).stage, row.stage) << row.message;
  }
}

TEST(WireFailure, promises_that_a_write_did_not_land_only_where_it_cannot_have) {
  struct Row {
    Stage stage;
    ErrorCode read, write;
  };
  for (const Row& row : {
           Row{Stage::Stale, ErrorCode::Unavailable, ErrorCode::Unavailable},
           Row{Stage::Resolve, ErrorCode::Unavailable, ErrorCode::Unavailable},
           Row{Stage::Connect, ErrorCode::Unavailable, ErrorCode::Unavailable},
           Row{Stage::Handshake, ErrorCode::Unavailable, ErrorCode::Unavailable},
           Row{Stage::Send, ErrorCode::Unavailable, ErrorCode::Unavailable},
           Row{Stage::Answer, ErrorCode::Unavailable, ErrorCode::Timeout},
           Row{Stage::Body, ErrorCode::Unavailable, ErrorCode::Timeout},
           Row{Stage::TooLarge, ErrorCode::Internal, ErrorCode::Internal},
           Row{Stage::Malformed, ErrorCode::Internal, ErrorCode::Internal},
       }) {
    const WireFailure failure{row.stage, 0, "text"};
    const Error read = error_of(failure, Method::Get, "host:6443", "");
    const Error write = error_of(failure, Method::Patch, "host:6443", "");
    EXPECT_EQ(read.code, row.read) << read.message;
    EXPECT_EQ(write.code, row.write) << write.message;
    EXPECT_NE(read.message.find("host:6443"), std::string::npos) << read.message;
  }
}

TEST(WireFailure, names_the_remedy_of_its_cause) {
  OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, nullptr);
  const int wrong_version = ERR_PACK(ERR_LIB_SSL, 0, SSL_R_WRONG_VERSION_NUMBER);
  const int bad_certificate = ERR_PACK(ERR_LIB_SSL, 0, SSL_R_SSLV3_ALERT_BAD_CERTIFICATE);
  struct Row {
    WireFailure failure;
    const char* certificate_problem;
    const char* says;
  };
  for (const Row& row : {
           Row{{Stage::Connect, EHOSTUNREACH, ""}, "", "is the server running"},
           Row{{Stage::Connect, ETIMEDOUT, ""}, "", "firewalls"},
           Row{{Stage::Connect, ENETUNREACH, ""}, "", "no route"},
           Row{{Stage::Handshake, wrong_version, ""}, "", "wrong version number; does this port speak TLS?"},
           Row{{Stage::Handshake, bad_certificate, ""}, "", "check the client certificate"},
           Row{{Stage::Answer, bad_certificate, ""}, "", "check the client certificate"},
           Row{{Stage::Handshake, 1, ""}, "it expired; renew it", "it expired; renew it"},
       }) {
    const Error error = error_of(row.failure, Method::Post, "host:6443", row.certificate_problem);
    EXPECT_EQ(error.code, ErrorCode::Unavailable) << error.message;
    EXPECT_NE(error.message.find(row.says), std::string::npos) << error.message;
  }
}

}  // namespace
}  // namespace headroom::kube
