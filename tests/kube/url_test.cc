#include "operator/kube/url.h"

#include <gtest/gtest.h>

#include "operator/kube/client.h"

namespace headroom::kube {
namespace {

TEST(PercentEncode, leaves_only_unreserved_characters_alone) {
  EXPECT_EQ(percent_encode("azAZ09-._~"), "azAZ09-._~");
  EXPECT_EQ(percent_encode("a/b?c#d%e f+g&h=i"), "a%2Fb%3Fc%23d%25e%20f%2Bg%26h%3Di");
  EXPECT_EQ(percent_encode("ü\n\xff"), "%C3%BC%0A%FF");
}

TEST(Query, leaves_empty_values_out_and_encodes_the_others) {
  EXPECT_EQ(Query().to_string(), "");
  EXPECT_EQ(Query().add("a", "").to_string(), "");
  EXPECT_EQ(Query().add("a", "").add("labelSelector", "x in (y,z)").add("limit", "5").to_string(),
            "?labelSelector=x%20in%20%28y%2Cz%29&limit=5");
}

struct Address {
  const char* text;
  bool tls;
  const char* host;
  bool is_address;
  int port;
  const char* prefix;
  const char* authority;
};

TEST(ServerUrl, is_taken_apart) {
  for (const Address& row : {
           Address{"https://api.example.com", true, "api.example.com", false, 443, "", "api.example.com:443"},
           Address{"HTTPS://API.Example.Com:6443", true, "api.example.com", false, 6443, "", "api.example.com:6443"},
           Address{"https://10.0.0.1:6443/", true, "10.0.0.1", true, 6443, "", "10.0.0.1:6443"},
           Address{"https://[fd00::1]:6443", true, "fd00::1", true, 6443, "", "[fd00::1]:6443"},
           Address{"https://[::1]", true, "::1", true, 443, "", "[::1]:443"},
           Address{"http://prometheus.monitoring.svc:9090/", false, "prometheus.monitoring.svc", false, 9090, "",
                   "prometheus.monitoring.svc:9090"},
           Address{"https://rancher/k8s/clusters/c-1:a/", true, "rancher", false, 443, "/k8s/clusters/c-1:a",
                   "rancher:443"},
       }) {
    const auto url = parse_server_url(row.text);
    ASSERT_TRUE(url) << row.text << ": " << url.error().message;
    EXPECT_EQ(url.value().tls, row.tls) << row.text;
    EXPECT_EQ(url.value().host, row.host) << row.text;
    EXPECT_EQ(url.value().is_address, row.is_address) << row.text;
    EXPECT_EQ(url.value().port, row.port) << row.text;
    EXPECT_EQ(url.value().prefix, row.prefix) << row.text;
    EXPECT_EQ(url.value().authority(), row.authority) << row.text;
  }
}

TEST(ServerUrl, is_refused_with_the_reason) {
  struct Bad {
    const char* text;
    const char* says;
  };
  for (const Bad& row : {
           Bad{"", "no scheme"},
           Bad{"api.example.com:6443", "no scheme"},
           Bad{"ftp://host", "neither https nor http"},
           Bad{"https://", "no host"},
           Bad{"https://:6443", "no host"},
           Bad{"https:///path", "no host"},
           Bad{"https://ho st", "neither a name nor an address"},
           Bad{"https://host\r\nEvil: 1", "neither a name nor an address"},
           Bad{"https://::1:6443", "no host"},
           Bad{"https://[::1", "without its ]"},
           Bad{"https://[nonsense]:1", "not an IPv6 address"},
           Bad{"https://[fe80::1%25eth0]:1", "not an IPv6 address"},
           Bad{"https://[::1]6443", "port"},
           Bad{"https://host:0", "port"},
           Bad{"https://host:65536", "port"},
           Bad{"https://host:", "port"},
           Bad{"https://host:64x", "port"},
           Bad{"https://host:-1", "port"},
           Bad{"https://host/path?query=1", "query"},
           Bad{"https://host#fragment", "fragment"},
           Bad{"https://host/../etc", "path"},
           Bad{"https://host/a b", "path"},
       }) {
    const auto url = parse_server_url(row.text);
    ASSERT_FALSE(url) << row.text;
    EXPECT_EQ(url.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(url.error().message.find(row.says), std::string::npos) << row.text << ": " << url.error().message;
    EXPECT_NE(url.error().message.find("https://host:port"), std::string::npos) << "the remedy is missing";
    EXPECT_EQ(url.error().message.find('\n'), std::string::npos);
  }
}

TEST(ServerUrl, does_not_repeat_a_password_in_its_message) {
  const auto url = parse_server_url("https://admin:hunter2@host:6443");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().message.find("hunter2"), std::string::npos) << url.error().message;
}

TEST(ServerUrl, keeps_endless_addresses_out_of_messages) {
  const auto url = parse_server_url("https://" + std::string(1'000'000, 'a'));
  ASSERT_FALSE(url);
  EXPECT_LT(url.error().message.size(), 500U);
}

TEST(Paths, of_core_and_grouped_types) {
  EXPECT_EQ(collection_path(types::kConfigMap, "default"), "/api/v1/namespaces/default/configmaps");
  EXPECT_EQ(collection_path(types::kConfigMap, ""), "/api/v1/configmaps");
  EXPECT_EQ(collection_path(types::kNode, ""), "/api/v1/nodes");
  EXPECT_EQ(collection_path(types::kDeployment, "shop"), "/apis/apps/v1/namespaces/shop/deployments");
  EXPECT_EQ(object_path(types::kDeployment, {"shop", "web"}), "/apis/apps/v1/namespaces/shop/deployments/web");
  EXPECT_EQ(object_path(types::kDeployment, {"shop", "web"}, "scale"),
            "/apis/apps/v1/namespaces/shop/deployments/web/scale");
  EXPECT_EQ(object_path(types::kRegion, {"", "eu"}, "status"), "/apis/headroom.dev/v1alpha1/regions/eu/status");
}

TEST(Paths, of_cluster_scoped_types_have_no_namespace_whatever_the_key_says) {
  EXPECT_EQ(object_path(types::kNode, {"default", "n1"}), "/api/v1/nodes/n1");
}

TEST(Paths, cannot_be_steered_by_what_stands_in_a_key) {
  EXPECT_EQ(object_path(types::kConfigMap, {"a/b", "c?d#e/../f"}, "x/y"),
            "/api/v1/namespaces/a%2Fb/configmaps/c%3Fd%23e%2F..%2Ff/x%2Fy");
}

TEST(ResourceType, names_itself_as_people_do) {
  EXPECT_EQ(types::kDeployment.api_version(), "apps/v1");
  EXPECT_EQ(types::kDeployment.to_string(), "deployments.apps");
  EXPECT_EQ(types::kPod.api_version(), "v1");
  EXPECT_EQ(types::kPod.to_string(), "pods");
}

}  // namespace
}  // namespace headroom::kube
