#include "operator/monitoring/prometheus.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace headroom::monitoring {
namespace {

constexpr std::int64_t kNow = 1'794'400'000;

InstantQuery query() {
  InstantQuery query;
  query.expression = "sum(queue_depth{app=\"web\"}) + 1";
  query.staleness = absl::Minutes(5);
  return query;
}

Result<double> read(const std::string& body, int status = 200) {
  return value_of_answer({status, body, {}}, query(), absl::FromUnixSeconds(kNow));
}

std::string vector_of(const std::string& samples) {
  return R"({"status":"success","data":{"resultType":"vector","result":[)" + samples + "]}}";
}

std::string sample(const std::string& value, std::int64_t at = kNow) {
  return R"({"metric":{"app":"web"},"value":[)" + std::to_string(at) + ".250,\"" + value + "\"]}";
}

TEST(Prometheus, takes_the_one_number_an_answer_holds) {
  struct Row {
    const char* body;
    double value;
  };
  const std::string one = vector_of(sample("2500")), small = vector_of(sample("1.5e-05")),
                    zero = vector_of(sample("0"));
  const std::string scalar =
      R"({"status":"success","data":{"resultType":"scalar","result":[1794400000,"-3.5"]},"infos":["harmless"]})";
  const Row table[] = {{one.c_str(), 2500}, {small.c_str(), 1.5e-05}, {zero.c_str(), 0}, {scalar.c_str(), -3.5}};
  for (const Row& row : table) {
    const auto value = read(row.body);
    ASSERT_TRUE(value) << row.body << ": " << value.error().message;
    EXPECT_EQ(value.value(), row.value);
  }
}

TEST(Prometheus, has_no_value_for_anything_else_and_says_what_to_do) {
  struct Row {
    const char* what;
    std::string body;
    int status;
    ErrorCode code;
    const char* told;
  };
  const Row table[] = {
      {"no series", vector_of(""), 200, ErrorCode::NotFound, "empty"},
      {"two series", vector_of(sample("1") + "," + sample("2")), 200, ErrorCode::InvalidArgument, "aggregate"},
      {"NaN", vector_of(sample("NaN")), 200, ErrorCode::NotFound, "NaN"},
      {"infinity", vector_of(sample("+Inf")), 200, ErrorCode::NotFound, "Inf"},
      {"an old sample", vector_of(sample("7", kNow - 301)), 200, ErrorCode::NotFound, "staleness"},
      {"a histogram", vector_of(R"({"metric":{},"histogram":[1,{}]})"), 200, ErrorCode::InvalidArgument,
       "histogram_quantile"},
      {"a range", R"({"status":"success","data":{"resultType":"matrix","result":[]}})", 200, ErrorCode::InvalidArgument,
       "range"},
      {"a string", R"({"status":"success","data":{"resultType":"string","result":[1,"x"]}})", 200,
       ErrorCode::InvalidArgument, "one number"},
      {"no number", vector_of(sample("many")), 200, ErrorCode::Internal, "not a sample"},
      {"a value of the wrong shape", vector_of(R"({"metric":{},"value":"7"})"), 200, ErrorCode::Internal,
       "not a sample"},
      {"a login page", "<html>sign in</html>", 200, ErrorCode::Internal, "spec.metrics.url"},
      {"nothing", "", 200, ErrorCode::Internal, "spec.metrics.url"},
      {"a list", "[]", 200, ErrorCode::Internal, "spec.metrics.url"},
      {"a parse error", R"({"status":"error","errorType":"bad_data","error":"unexpected end of input"})", 400,
       ErrorCode::InvalidArgument, "unexpected end of input"},
      {"an evaluation error", R"({"status":"error","errorType":"execution","error":"many-to-many"})", 422,
       ErrorCode::InvalidArgument, "many-to-many"},
      {"refused credentials", "no", 401, ErrorCode::Unauthorized, "authSecretRef"},
      {"a forbidden tenant", "no", 403, ErrorCode::Forbidden, "authSecretRef"},
      {"no such path", "404 page not found", 404, ErrorCode::Internal, "spec.metrics.url"},
      {"an ailing server", "upstream away", 503, ErrorCode::Unavailable, "upstream away"},
  };
  for (const Row& row : table) {
    const auto value = read(row.body, row.status);
    ASSERT_FALSE(value) << row.what;
    EXPECT_EQ(value.error().code, row.code) << row.what << ": " << value.error().message;
    EXPECT_NE(value.error().message.find(row.told), std::string::npos) << row.what << ": " << value.error().message;
  }
}

TEST(Prometheus, accepts_a_sample_as_old_as_staleness_allows) {
  EXPECT_TRUE(read(vector_of(sample("7", kNow - 299))));
  EXPECT_TRUE(read(vector_of(sample("7", kNow + 30)))) << "the server's clock may be ahead of ours";
}

TEST(Prometheus, asks_by_post_and_tells_the_server_how_old_a_sample_may_be) {
  InstantQuery asked = query();
  asked.tenant_header = "X-Scope-OrgID:  shop ";
  const auto request = instant_query_request(asked);
  ASSERT_TRUE(request);
  EXPECT_EQ(request.value().method, kube::Method::Post);
  EXPECT_EQ(request.value().path, "/api/v1/query");
  EXPECT_EQ(request.value().content_type, "application/x-www-form-urlencoded");
  EXPECT_EQ(request.value().body,
            "query=sum%28queue_depth%7Bapp%3D%22web%22%7D%29%20%2B%201&lookback_delta=300&timeout=5"
            "&partial_response=false");
  const std::pair<std::string, std::string> tenant("X-Scope-OrgID", "shop");
  EXPECT_EQ(std::ranges::count(request.value().headers, tenant), 1);
}

TEST(Prometheus, refuses_a_tenant_header_that_is_none) {
  for (const char* header : {"shop", ": shop", " :"}) {
    InstantQuery asked = query();
    asked.tenant_header = header;
    const auto request = instant_query_request(asked);
    ASSERT_FALSE(request) << header;
    EXPECT_NE(request.error().message.find("tenantHeader"), std::string::npos);
  }
}

}  // namespace
}  // namespace headroom::monitoring
