// Quotas and nodes: what is read of them, and how many further replicas they hold.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/plan/capacity_math.h"
#include "operator/plan/capacity_views.h"

namespace headroom::plan {
namespace {

using nlohmann::json;

ResourceList amounts(const std::map<std::string, std::string>& texts) {
  ResourceList list;
  for (const auto& [name, text] : texts) list[name] = Quantity::parse(text).value();
  return list;
}

QuotaView quota(const std::string& name, const std::map<std::string, std::string>& hard,
                const std::map<std::string, std::string>& used, std::vector<std::string> scopes = {}) {
  return {name, amounts(hard), amounts(used), std::move(scopes), false};
}

const ResourceList kPod = amounts({{"requests.cpu", "500m"},
                                   {"requests.memory", "1Gi"},
                                   {"limits.cpu", "2"},
                                   {"requests.example.com/gpu", "1"},
                                   {"pods", "1"}});

TEST(QuotaRoom, counts_whole_replicas_of_the_tightest_resource) {
  struct Row {
    const char* what;
    QuotaView quota;
    std::optional<int> fit;
  };
  const Row table[] = {
      {"limits", quota("q", {{"limits.cpu", "100"}}, {{"limits.cpu", "96"}}), 2},
      {"a part of a replica is none", quota("q", {{"limits.cpu", "100"}}, {{"limits.cpu", "96.1"}}), 1},
      {"exactly full", quota("q", {{"limits.cpu", "100"}}, {{"limits.cpu", "100"}}), 0},
      {"more than full", quota("q", {{"limits.cpu", "100"}}, {{"limits.cpu", "120"}}), 0},
      {"nothing used yet", quota("q", {{"limits.cpu", "100"}}, {}), 50},
      {"cpu is short for requests.cpu", quota("q", {{"cpu", "10"}}, {{"cpu", "9"}}), 2},
      {"memory is short for requests.memory", quota("q", {{"memory", "10Gi"}}, {{"memory", "7Gi"}}), 3},
      {"extended resources", quota("q", {{"requests.example.com/gpu", "8"}}, {{"requests.example.com/gpu", "3"}}), 5},
      {"pods", quota("q", {{"pods", "50"}}, {{"pods", "46"}}), 4},
      {"objects", quota("q", {{"count/pods", "50"}}, {{"count/pods", "49"}}), 1},
      {"the tightest of several",
       quota("q", {{"pods", "50"}, {"limits.cpu", "100"}}, {{"pods", "10"}, {"limits.cpu", "90"}}), 5},
      {"what pods do not declare", quota("q", {{"limits.memory", "1Gi"}}, {{"limits.memory", "1Gi"}}), std::nullopt},
      {"what is no pod's", quota("q", {{"services", "5"}}, {{"services", "5"}}), std::nullopt},
      {"terminating pods", quota("q", {{"pods", "1"}}, {{"pods", "1"}}, {"Terminating"}), std::nullopt},
      {"other pods", quota("q", {{"pods", "1"}}, {{"pods", "1"}}, {"NotTerminating"}), 0},
      {"best effort pods", quota("q", {{"pods", "1"}}, {{"pods", "1"}}, {"BestEffort"}), std::nullopt},
      {"pods with requests", quota("q", {{"pods", "1"}}, {{"pods", "1"}}, {"NotBestEffort", "NotTerminating"}), 0},
      {"a scope not known here", quota("q", {{"pods", "1"}}, {{"pods", "1"}}, {"CrossNamespacePodAffinity"}),
       std::nullopt},
  };
  for (const Row& row : table) {
    const auto room = room_in_quotas(std::span(&row.quota, 1), kPod);
    EXPECT_EQ(room.has_value(), row.fit.has_value()) << row.what;
    EXPECT_EQ(room.value_or(Room{}).replicas, row.fit.value_or(0)) << row.what;
  }
}

TEST(QuotaRoom, says_which_quota_with_its_numbers_and_what_to_raise) {
  const std::vector<QuotaView> quotas = {quota("objects", {{"pods", "1000"}}, {{"pods", "3"}}),
                                         quota("compute", {{"limits.cpu", "100"}}, {{"limits.cpu", "96"}})};
  EXPECT_EQ(room_in_quotas(quotas, kPod)->text,
            "ResourceQuota compute: limits.cpu 96 of 100 used, 2 per replica, so 2 more; raise its limits.cpu");
  const QuotaView memory = quota("memory", {{"memory", "10Gi"}}, {{"memory", "9.5Gi"}});
  EXPECT_EQ(room_in_quotas(std::span(&memory, 1), kPod)->text,
            "ResourceQuota memory: memory 9.5Gi of 10Gi used, 1Gi per replica, so 0 more; raise its memory");
}

TEST(QuotaRoom, a_best_effort_quota_counts_pods_without_requests) {
  const QuotaView best_effort = quota("q", {{"pods", "5"}}, {{"pods", "2"}}, {"BestEffort"});
  EXPECT_EQ(room_in_quotas(std::span(&best_effort, 1), amounts({{"pods", "1"}}))->replicas, 3);
}

TEST(QuotaRoom, a_quota_by_priority_class_is_passed_over) {
  QuotaView by_class = quota("q", {{"pods", "1"}}, {{"pods", "1"}});
  by_class.by_priority_class = true;
  EXPECT_FALSE(room_in_quotas(std::span(&by_class, 1), kPod));
}

TEST(QuotaRoom, is_told_resource_by_resource_for_targets_that_share_a_quota) {
  const QuotaView shared =
      quota("compute", {{"limits.cpu", "100"}, {"pods", "50"}, {"services", "5"}}, {{"limits.cpu", "104"}});
  const auto rooms = rooms_of_quotas(std::span(&shared, 1), kPod);
  ASSERT_EQ(rooms.size(), 2U);
  EXPECT_EQ(rooms[0].quota, "compute");
  EXPECT_EQ(rooms[0].resource, "limits.cpu");
  EXPECT_EQ(rooms[0].free, Quantity()) << "an overdrawn quota has nothing free, not less";
  EXPECT_EQ(rooms[0].per_replica, Quantity::from_int(2));
  EXPECT_EQ(rooms[1].resource, "pods");
  EXPECT_EQ(rooms[1].free, Quantity::from_int(50));
}

NodeRoom node(const std::string& cpu, const std::string& memory, const std::string& pods) {
  return {"n", amounts({{"cpu", cpu}, {"memory", memory}, {"pods", pods}, {"example.com/gpu", "100"}})};
}

TEST(NodeRoom, adds_up_what_each_node_holds_by_itself) {
  struct Row {
    const char* what;
    std::vector<NodeRoom> nodes;
    int fit;
  };
  const Row table[] = {
      {"no nodes", {}, 0},
      {"cpu decides", {node("2", "100Gi", "110")}, 4},
      {"memory decides", {node("100", "3.5Gi", "110")}, 3},
      {"pods decide", {node("100", "100Gi", "2")}, 2},
      {"halves on two nodes make no whole", {node("0.4", "9Gi", "9"), node("0.4", "9Gi", "9")}, 0},
      {"an overbooked node does not eat another's room", {node("-3", "9Gi", "9"), node("1", "9Gi", "9")}, 2},
  };
  for (const Row& row : table) {
    const Room room = room_on_nodes(row.nodes, kPod);
    EXPECT_EQ(room.replicas, row.fit) << row.what << ": " << room.text;
  }
}

TEST(NodeRoom, a_resource_that_a_node_does_not_have_cannot_be_had_there) {
  NodeRoom plain = node("100", "100Gi", "110");
  plain.free.erase("example.com/gpu");
  EXPECT_EQ(room_on_nodes(std::span(&plain, 1), kPod).replicas, 0);
}

TEST(NodeRoom, pods_without_requests_take_only_a_place) {
  const NodeRoom full = node("0", "0", "30");
  EXPECT_EQ(room_on_nodes(std::span(&full, 1), amounts({{"pods", "1"}})).replicas, 30);
}

TEST(NodeRoom, says_how_many_of_what_size_and_what_to_do) {
  const std::string text = room_on_nodes(std::vector{node("2", "100Gi", "110")}, kPod).text;
  for (const char* part : {"1 nodes", "4 more replicas", "0.5 cpu", "1Gi memory", "add nodes"}) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }
}

json a_node(const std::string& name, json spec = json::object(), const std::string& ready = "True") {
  return {{"metadata", {{"name", name}}},
          {"spec", std::move(spec)},
          {"status",
           {{"allocatable", {{"cpu", "4"}, {"memory", "8Gi"}, {"pods", "110"}}},
            {"conditions", {{{"type", "Ready"}, {"status", ready}}}}}}};
}

json a_pod(const std::string& node_name, const std::string& cpu) {
  return {
      {"metadata", {{"name", "p"}}},
      {"spec",
       {{"nodeName", node_name}, {"containers", {{{"name", "c"}, {"resources", {{"requests", {{"cpu", cpu}}}}}}}}}}};
}

TEST(NodeTally, subtracts_the_pods_on_a_node_from_what_it_offers) {
  NodeTally tally;
  tally.add(node_from_json(a_node("a")).value());
  tally.add(node_from_json(a_node("b")).value());
  tally.add(pod_use_from_json(a_pod("a", "1500m")).value());
  tally.add(pod_use_from_json(a_pod("a", "1")).value());
  tally.add(pod_use_from_json(a_pod("", "1")).value());
  tally.add(pod_use_from_json(a_pod("gone", "1")).value());
  const std::vector<NodeRoom> rooms = std::move(tally).rooms();
  ASSERT_EQ(rooms.size(), 2U);
  EXPECT_EQ(rooms[0].free.at("cpu"), Quantity::parse("1.5").value());
  EXPECT_EQ(rooms[0].free.at("pods"), Quantity::from_int(108));
  EXPECT_EQ(rooms[1].free.at("cpu"), Quantity::from_int(4));
}

TEST(NodeTally, leaves_out_nodes_that_take_no_pods) {
  const json table[] = {a_node("cordoned", {{"unschedulable", true}}), a_node("away", json::object(), "Unknown"),
                        a_node("tainted", {{"taints", {{{"key", "k"}, {"effect", "NoSchedule"}}}}}),
                        a_node("leaving", {{"taints", {{{"key", "k"}, {"effect", "NoExecute"}}}}})};
  NodeTally tally;
  for (const json& one : table) tally.add(node_from_json(one).value());
  tally.add(node_from_json(a_node("soft", {{"taints", {{{"key", "k"}, {"effect", "PreferNoSchedule"}}}}})).value());
  const std::vector<NodeRoom> rooms = std::move(tally).rooms();
  ASSERT_EQ(rooms.size(), 1U);
  EXPECT_EQ(rooms[0].name, "soft");
}

TEST(QuotaView, takes_what_is_enforced_from_status_and_scopes_from_both_places) {
  const json object = {
      {"metadata", {{"name", "compute"}, {"namespace", "shop"}}},
      {"spec",
       {{"hard", {{"pods", "20"}}},
        {"scopes", {"NotTerminating"}},
        {"scopeSelector",
         {{"matchExpressions", {{{"scopeName", "PriorityClass"}, {"operator", "In"}, {"values", {"high"}}}}}}}}},
      {"status", {{"hard", {{"pods", "10"}}}, {"used", {{"pods", "7"}}}}}};
  const auto view = quota_from_json(object);
  ASSERT_TRUE(view);
  EXPECT_EQ(view.value().hard.at("pods"), Quantity::from_int(10));
  EXPECT_EQ(view.value().used.at("pods"), Quantity::from_int(7));
  EXPECT_EQ(view.value().scopes, (std::vector<std::string>{"NotTerminating", "PriorityClass"}));
  EXPECT_TRUE(view.value().by_priority_class);
}

TEST(QuotaView, a_quota_that_the_controller_has_not_seen_yet_counts_by_its_spec) {
  const auto view = quota_from_json({{"metadata", {{"name", "q"}}}, {"spec", {{"hard", {{"pods", "20"}}}}}});
  ASSERT_TRUE(view);
  EXPECT_EQ(view.value().hard.at("pods"), Quantity::from_int(20));
}

TEST(PendingPod, is_unschedulable_when_the_scheduler_says_so) {
  const auto pod = [](const char* reason) {
    return json{{"metadata", {{"name", "p"}, {"labels", {{"app", "web"}}}}},
                {"status",
                 {{"phase", "Pending"},
                  {"conditions", {{{"type", "PodScheduled"}, {"status", "False"}, {"reason", reason}}}}}}};
  };
  EXPECT_TRUE(pending_pod_from_json(pod("Unschedulable")).value().unschedulable);
  EXPECT_FALSE(pending_pod_from_json(pod("SchedulingGated")).value().unschedulable);
  EXPECT_EQ(pending_pod_from_json(pod("x")).value().labels.at("app"), "web");
}

}  // namespace
}  // namespace headroom::plan
