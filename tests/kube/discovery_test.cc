// How apiVersion and kind become a resource type.
#include "operator/kube/client.h"

#include <gtest/gtest.h>

#include "tests/kube/client_fixture.h"

namespace headroom::kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

// --- discovery ---

class DiscoveryTest : public ClientTest {
 protected:
  const json apps{{"kind", "APIResourceList"},
                  {"resources",
                   {{{"name", "deployments"}, {"kind", "Deployment"}, {"namespaced", true}},
                    {{"name", "deployments/scale"}, {"kind", "Scale"}, {"namespaced", true}},
                    {{"name", "things"}, {"kind", "Thing"}, {"namespaced", false}}}}};
};

TEST_F(DiscoveryTest, finds_kinds_and_remembers_them) {
  server->expect(Method::Get, "/apis/apps/v1").answer(200, apps);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.resource_for("apps/v1", "Deployment", {}).value(), types::kDeployment);
    EXPECT_EQ(client.resource_for("apps/v1", "Thing", {}).value(),
              (ResourceType{"apps", "v1", "things", "Thing", false}));
  }
}

TEST_F(DiscoveryTest, asks_the_core_group_at_its_own_path) {
  server->expect(Method::Get, "/api/v1")
      .answer(200, {{"resources", {{{"name", "pods"}, {"kind", "Pod"}, {"namespaced", true}}}}});
  EXPECT_EQ(client.resource_for("v1", "Pod", {}).value(), types::kPod);
}

TEST_F(DiscoveryTest, asks_for_a_missing_kind_again_after_ten_seconds_at_the_earliest) {
  server->expect(Method::Get, "/apis/apps/v1").answer(200, apps);
  const auto missing = client.resource_for("apps/v1", "Gadget", {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
  EXPECT_NE(missing.error().message.find("no kind Gadget in apps/v1"), std::string::npos) << missing.error().message;
  timing->advance(seconds(9));
  EXPECT_FALSE(client.resource_for("apps/v1", "Gadget", {}));
  timing->advance(seconds(2));
  json more = apps;
  more["resources"].push_back({{"name", "gadgets"}, {"kind", "Gadget"}, {"namespaced", true}});
  server->expect(Method::Get, "/apis/apps/v1").answer(200, more);
  EXPECT_TRUE(client.resource_for("apps/v1", "Gadget", {}));
}

TEST_F(DiscoveryTest, takes_a_missing_group_for_a_missing_kind_and_a_failure_for_a_failure) {
  server->expect(Method::Get, "/apis/keda.sh/v1alpha1").refuse(404, "NotFound", "page not found");
  EXPECT_EQ(client.resource_for("keda.sh/v1alpha1", "ScaledObject", {}).error().code, ErrorCode::NotFound);
  EXPECT_EQ(client.resource_for("keda.sh/v1alpha1", "ScaledObject", {}).error().code, ErrorCode::NotFound);
  server->expect(Method::Get, "/apis/apps/v1").refuse(403, "Forbidden", "no");
  EXPECT_EQ(client.resource_for("apps/v1", "Deployment", {}).error().code, ErrorCode::Forbidden);
  server->expect(Method::Get, "/apis/apps/v1").answer(200, apps);
  EXPECT_TRUE(client.resource_for("apps/v1", "Deployment", {})) << "a failure must not be remembered";
}

TEST_F(DiscoveryTest, takes_the_kind_of_a_subresource_for_none) {
  server->expect(Method::Get, "/apis/apps/v1").answer(200, apps);
  EXPECT_EQ(client.resource_for("apps/v1", "Scale", {}).error().code, ErrorCode::NotFound);
}

TEST_F(DiscoveryTest, refuses_what_names_no_type_without_asking) {
  for (const char* version : {"", "/v1", "apps/", "a/b/c"}) {
    EXPECT_EQ(client.resource_for(version, "Pod", {}).error().code, ErrorCode::InvalidArgument) << version;
  }
  EXPECT_EQ(client.resource_for("v1", "", {}).error().code, ErrorCode::InvalidArgument);
}

TEST_F(DiscoveryTest, survives_lists_of_the_wrong_shape) {
  for (const json& list : {json::object(), json{{"resources", 3}}, json{{"resources", {1, {{"name", 2}}}}}}) {
    server->expect(Method::Get, "/apis/apps/v1").answer(200, list);
    EXPECT_EQ(client.resource_for("apps/v1", "Deployment", {}).error().code, ErrorCode::NotFound);
    timing->advance(seconds(11));
  }
}

TEST_F(DiscoveryTest, stays_bounded_whatever_it_is_asked_for) {
  for (int i = 0; i < 300; ++i) {
    const std::string group = "g" + std::to_string(i);
    server->expect(Method::Get, "/apis/" + group + "/v1").refuse(404, "NotFound", "no");
    EXPECT_FALSE(client.resource_for(group + "/v1", "X", {}));
    timing->advance(milliseconds(1));
  }
  // The first was forgotten for the later ones, the last is remembered.
  EXPECT_FALSE(client.resource_for("g299/v1", "X", {}));
  server->expect(Method::Get, "/apis/g0/v1").refuse(404, "NotFound", "no");
  EXPECT_FALSE(client.resource_for("g0/v1", "X", {}));
}

}  // namespace
}  // namespace headroom::kube
