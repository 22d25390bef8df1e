// A configuration is made only once API servers can reach whom it sends them to.
#include "webhook/app/service_endpoints.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/memory_api_server.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr char kSlices[] = "/apis/discovery.k8s.io/v1/namespaces/headroom-system/endpointslices/";

json endpoint(const json& conditions) { return {{"addresses", {"10.0.0.7"}}, {"conditions", conditions}}; }

json slice(const json& endpoints, const std::string& service = "headroom-webhook") {
  return {{"metadata", {{"labels", {{"kubernetes.io/service-name", service}}}}}, {"endpoints", endpoints}};
}

TEST(HasReadyEndpoint, goes_by_what_traffic_is_sent_to) {
  EXPECT_TRUE(has_ready_endpoint(slice(json::array({endpoint({{"ready", true}})}))));
  EXPECT_TRUE(has_ready_endpoint(slice(json::array({endpoint({{"ready", false}}), endpoint({{"ready", true}})}))));
  EXPECT_TRUE(has_ready_endpoint(slice(json::array({endpoint(json::object())})))) << "unknown is to be taken for ready";
  EXPECT_TRUE(has_ready_endpoint(slice(json::array({{{"addresses", {"10.0.0.7"}}}}))));
  EXPECT_FALSE(
      has_ready_endpoint(slice(json::array({endpoint({{"ready", false}, {"serving", true}, {"terminating", true}})}))));
  EXPECT_FALSE(has_ready_endpoint(slice(json::array())));
  EXPECT_FALSE(has_ready_endpoint(slice(nullptr)));
  EXPECT_FALSE(has_ready_endpoint(json::object()));
}

class ServiceEndpointsTest : public ::testing::Test {
 protected:
  std::shared_ptr<kube::Client> client() const {
    kube::ClientLimits limits;
    limits.retry_for = std::chrono::milliseconds(0);
    return std::make_shared<kube::Client>(server_, limits, 1);
  }
  std::string awaited(int at_second) {
    const Status now = endpoints_.reachable(absl::Seconds(at_second), {});
    return now ? "" : now.error().message;
  }
  void put(const std::string& name, const json& one) { server_->put(absl::StrCat(kSlices, name), one); }

  const std::shared_ptr<testing::MemoryApiServer> server_ = testing::MemoryApiServer::make();
  ServiceEndpoints endpoints_{client(), "headroom-system", "headroom-webhook"};
};

TEST_F(ServiceEndpointsTest, waits_for_an_endpoint_and_until_proxies_know_it) {
  put("other", slice(json::array({endpoint({{"ready", true}})}), "somebody-else"));
  EXPECT_THAT(awaited(0), HasSubstr("Service headroom-system/headroom-webhook has no ready endpoint"));
  put("ours", slice(json::array({endpoint({{"ready", true}})})));
  EXPECT_THAT(awaited(10), HasSubstr("since a moment only"));
  EXPECT_NE(awaited(11), "");
  EXPECT_EQ(awaited(12), "");
}

TEST_F(ServiceEndpointsTest, begins_to_wait_anew_when_none_is_ready_any_more) {
  put("ours", slice(json::array({endpoint({{"ready", true}})})));
  EXPECT_NE(awaited(0), "");
  put("ours", slice(json::array({endpoint({{"ready", false}})})));
  EXPECT_NE(awaited(1), "");
  put("ours", slice(json::array({endpoint({{"ready", true}})})));
  EXPECT_NE(awaited(5), "");
  EXPECT_EQ(awaited(7), "");
}

TEST_F(ServiceEndpointsTest, waits_for_an_api_server_but_not_for_a_right_that_nobody_gives) {
  server_->set_down(true);
  EXPECT_NE(awaited(0), "");
  server_->set_down(false);
  server_->refuse([](const kube::Request&) { return true; }, 403);
  EXPECT_EQ(awaited(1), "");
}

TEST_F(ServiceEndpointsTest, asks_nothing_where_the_webhook_has_an_address_of_its_own) {
  ServiceEndpoints none(client(), "", "");
  server_->set_down(true);
  EXPECT_TRUE(none.reachable(absl::ZeroDuration(), {}));
}

}  // namespace
}  // namespace headroom::webhook
