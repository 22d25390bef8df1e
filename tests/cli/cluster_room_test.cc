// What is read of a cluster's quotas and nodes for a plan, and what is said where it may not be read.
#include "operator/cli/cluster_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/cli/forecast.h"
#include "operator/kube/client.h"
#include "tests/cli/offline.h"
#include "tests/kube/manual_timing.h"
#include "tests/support/civil.h"
#include "tests/support/memory_api_server.h"

namespace headroom::cli {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing_support::ist;

/// A node of 6 cpus on which a pod of others takes one, web with 2 replicas of half a cpu, and a quota of 4 cpus of
/// which both have taken two: the quota admits 6 replicas of web, the node 10.
class RoomOfCluster : public ::testing::Test {
 protected:
  void SetUp() override {
    json web = a_deployment("web", 2, "500m");
    web["status"] = {{"replicas", 2}};
    json quota = a_quota("compute", {{"requests.cpu", "4"}});
    quota["status"] = {{"hard", {{"requests.cpu", "4"}}}, {"used", {{"requests.cpu", "2"}}}};
    server->put("/apis/apps/v1/namespaces/shop/deployments/web", web);
    server->put("/api/v1/namespaces/shop/resourcequotas/compute", quota);
    server->put("/api/v1/nodes/one", a_node("one", "6"));
    server->put("/api/v1/namespaces/shop/pods/other-1", a_pod("other", "one", "1"));
    server->put("/api/v1/namespaces/shop/pods/web-1", a_pod("web", "one", "500m"));
  }

  /// What is warned of where web rises to `size` on 10 March 2027.
  std::vector<std::string> warnings_for(int size, const std::string& ns = "shop") {
    world = world_of({a_target("web", 2, 50, 1), a_schedule("fair", "2027-03-10", std::to_string(size))});
    read_room(client, ns, world);
    told = forecast_of(world, ist("2027-03-09"), ist("2027-03-12"));
    return told.warnings;
  }
  void refuse(const std::string& path) {
    server->refuse([path](const kube::Request& request) { return request.path.starts_with(path); }, 403);
  }

  const std::shared_ptr<headroom::testing::MemoryApiServer> server = headroom::testing::MemoryApiServer::make();
  kube::ClientLimits once{.retry_for = std::chrono::milliseconds(0)};
  kube::Client client{server, once, 1, std::make_shared<headroom::testing::ManualTiming>()};
  PlanningWorld world;
  Forecast told;
};

TEST_F(RoomOfCluster, is_judged_as_that_of_files) {
  EXPECT_THAT(warnings_for(6), IsEmpty());
  EXPECT_THAT(told.assumptions, Contains(HasSubstr("health of regions and limits are not looked at")));
  EXPECT_THAT(warnings_for(7), ElementsAre(HasSubstr("ResourceQuota shop/compute is too small")));
  EXPECT_THAT(warnings_for(7), ElementsAre(HasSubstr("requests.cpu 4500m of 4")));
  server->erase("/api/v1/namespaces/shop/resourcequotas/compute");
  EXPECT_THAT(warnings_for(10), IsEmpty());
  EXPECT_THAT(warnings_for(12), ElementsAre(HasSubstr("pods 12 of 10")));
}

TEST_F(RoomOfCluster, that_may_not_be_read_is_named_and_the_rest_is_judged) {
  refuse("/api/v1/nodes");
  EXPECT_THAT(warnings_for(12), ElementsAre(HasSubstr("ResourceQuota shop/compute")));
  EXPECT_THAT(told.assumptions, Contains(HasSubstr("Nodes are not looked at: ")));
  refuse("/api/v1/pods");
  EXPECT_THAT(warnings_for(40), ElementsAre(HasSubstr("ResourceQuota shop/compute")));
  EXPECT_THAT(told.assumptions, Contains(HasSubstr("Nodes are not looked at: pods on them: ")));
  refuse("/api/v1/namespaces/shop/resourcequotas");
  EXPECT_THAT(warnings_for(12), ElementsAre(HasSubstr("the nodes are too few")));
  EXPECT_THAT(told.assumptions, Contains(HasSubstr("ResourceQuotas of namespace shop are not looked at: ")));
  refuse("/apis/apps/v1/namespaces/shop/deployments");
  EXPECT_THAT(warnings_for(12), IsEmpty());
  EXPECT_THAT(told.assumptions, Contains(HasSubstr("deployments of namespace shop are not looked at: ")));
}

TEST_F(RoomOfCluster, that_does_not_answer_is_not_waited_for) {
  server->set_hanging(true);
  world = world_of({a_target("web", 2, 50, 1)});
  read_room(client, "shop", world, absl::Milliseconds(50));
  EXPECT_THAT(world.assumptions, Contains("Nodes are not looked at: no answer within 50 ms"));
  EXPECT_FALSE(world.room.nodes_known);
}

TEST_F(RoomOfCluster, is_left_alone_where_it_is_larger_than_a_plan_should_read) {
  for (int n = 0; n < 1'000; ++n) server->put("/api/v1/nodes/n" + std::to_string(n), a_node("n", "1"));
  EXPECT_THAT(warnings_for(6), IsEmpty());
  EXPECT_THAT(told.assumptions, Contains("Nodes are not looked at: there are more than 1000"));
}

TEST_F(RoomOfCluster, is_not_judged_by_a_part_of_it) {
  for (int n = 0; n < 1'000; ++n) {
    const std::string name = "q" + std::to_string(n);
    server->put("/api/v1/namespaces/shop/resourcequotas/" + name, a_quota(name, {{"pods", "100"}}));
  }
  EXPECT_THAT(warnings_for(9), IsEmpty()) << "compute is among those that were read before";
  EXPECT_THAT(told.assumptions,
              Contains("ResourceQuotas of namespace shop are not looked at: there are more than 1000"));
}

TEST_F(RoomOfCluster, of_another_cluster_is_not_known) {
  json elsewhere = a_target("web", 2, 50, 1);
  elsewhere["spec"]["region"] = "chennai";
  world = world_of({elsewhere});
  read_room(client, "shop", world);
  EXPECT_THAT(world.assumptions, Contains(HasSubstr("Quotas and nodes of region chennai are not looked at")));
}

TEST_F(RoomOfCluster, counts_targets_of_all_namespaces_on_nodes_and_tells_of_those_that_are_asked_for) {
  EXPECT_THAT(warnings_for(12, "another"), Not(Contains(HasSubstr("ResourceQuota")))) << "nobody asked";
  EXPECT_TRUE(world.room.nodes_known);
}

}  // namespace
}  // namespace headroom::cli
