// What a shell offers: commands, flags, and names of objects of the cluster that is meant.
#include "operator/cli/completion_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "operator/kube/client.h"
#include "tests/kube/manual_timing.h"
#include "tests/support/scripted_transport.h"

namespace headroom::cli {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A cluster with an object of each kind in two namespaces, which writes down what it was asked.
struct Cluster {
  std::vector<std::vector<api::ObjectKey>> operator()(const std::vector<NameKind>& kinds, const GlobalFlags& flags) {
    ++asked;
    last = flags;
    const std::string ns = flags.ns.empty() ? "shop" : flags.ns;
    std::vector<std::vector<api::ObjectKey>> names;
    for (const NameKind kind : kinds) {
      std::vector<api::ObjectKey> found;
      if (kind == NameKind::Namespace) found = {{"", "shop"}, {"", "depot"}};
      for (const std::string one : {"shop", "depot"}) {
        if (!flags.all_namespaces && one != ns) continue;
        if (kind == NameKind::Target) found.push_back({one, "web"});
        if (kind == NameKind::Schedule) found.push_back({one, "diwali"});
        if (kind == NameKind::Limit) found.push_back({one, "pods"});
      }
      names.push_back(found);
    }
    return names;
  }
  int asked = 0;
  GlobalFlags last;
};

class Completion : public ::testing::Test {
 protected:
  /// The candidates, without what they are about and without the last line.
  std::vector<std::string> offered(const std::vector<std::string>& words) {
    std::vector<std::string> names;
    std::istringstream lines(complete(words, std::ref(cluster)));
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(':')) names.push_back(line.substr(0, line.find('\t')));
    }
    return names;
  }
  Cluster cluster;
};

TEST_F(Completion, offers_the_objects_that_a_command_takes) {
  EXPECT_THAT(offered({"plan", ""}), ElementsAre("diwali"));
  EXPECT_THAT(offered({"explain", ""}), ElementsAre("web"));
  EXPECT_THAT(offered({"suspend", ""}), ElementsAre("st/web", "fest/diwali"));
  EXPECT_THAT(offered({"resume", "fest/"}), ElementsAre("fest/diwali"));
  EXPECT_THAT(offered({"limits", "--name", ""}), ElementsAre("pods"));
  EXPECT_THAT(offered({"explain", "x"}), IsEmpty()) << "only what begins so";
}

TEST_F(Completion, offers_namespaces_before_and_after_the_command) {
  EXPECT_THAT(offered({"-n", ""}), ElementsAre("shop", "depot"));
  EXPECT_THAT(offered({"plan", "--namespace", "d"}), ElementsAre("depot"));
  EXPECT_THAT(offered({"status", "--system-namespace", "s"}), ElementsAre("shop"));
}

TEST_F(Completion, looks_where_the_flags_before_it_say) {
  EXPECT_THAT(offered({"--context", "chennai", "explain", "-n", "depot", ""}), ElementsAre("web"));
  EXPECT_EQ(cluster.last.ns, "depot");
  EXPECT_EQ(cluster.last.context, "chennai");
  offered({"explain", "--namespace=depot", "--kubeconfig", "there", ""});
  EXPECT_EQ(cluster.last.ns, "depot");
  EXPECT_EQ(cluster.last.kubeconfig, "there");
  EXPECT_THAT(offered({"explain", "-A", ""}), ElementsAre("shop/web", "depot/web"));
  EXPECT_THAT(offered({"explain", "depot/"}), ElementsAre("depot/web"));
  EXPECT_THAT(offered({"plan", "-A", ""}), ElementsAre("diwali")) << "the same name twice is one word";
}

TEST_F(Completion, asks_no_cluster_where_no_name_of_it_is_wanted) {
  offered({""});
  offered({"pl"});
  offered({"plan", "--"});
  offered({"plan", "-o", ""});
  EXPECT_THAT(offered({"plan", "diwali", ""}), IsEmpty()) << "it takes one name";
  EXPECT_THAT(offered({"plan", "-f", "dir", ""}), IsEmpty()) << "objects of files";
  EXPECT_THAT(offered({"limits", ""}), ElementsAre("check"));
  EXPECT_EQ(cluster.asked, 0);
}

class NamesOfObjects : public ::testing::Test {
 protected:
  void TearDown() override { server->await_done(std::chrono::milliseconds(0)); }
  static json named(const std::vector<std::string>& names) {
    json items = json::array();
    for (const std::string& name : names) items.push_back({{"metadata", {{"namespace", "shop"}, {"name", name}}}});
    return {{"metadata", {{"resourceVersion", "1"}}}, {"items", items}};
  }

  const std::shared_ptr<headroom::testing::ScriptedTransport> server =
      std::make_shared<headroom::testing::ScriptedTransport>();
  kube::ClientLimits once{.retry_for = std::chrono::milliseconds(0)};
  kube::Client client{server, once, 1, std::make_shared<headroom::testing::ManualTiming>()};
};

TEST_F(NamesOfObjects, are_read_without_their_contents) {
  server->expect(kube::Method::Get, "/apis/headroom.dev/v1alpha1/namespaces/shop/scaletargets")
      .with_accept("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
      .answer(200, named({"web", "mailer"}));
  EXPECT_THAT(names_in(client, NameKind::Target, "shop", {}),
              ElementsAre(api::ObjectKey{"shop", "web"}, api::ObjectKey{"shop", "mailer"}));
}

TEST_F(NamesOfObjects, of_limits_are_those_over_namespaces_too) {
  server->expect(kube::Method::Get, "/apis/headroom.dev/v1alpha1/namespaces/shop/scalelimits")
      .answer(200, named({"pods"}));
  server->expect(kube::Method::Get, "/apis/headroom.dev/v1alpha1/clusterscalelimits").refuse(403, "Forbidden", "no");
  EXPECT_THAT(names_in(client, NameKind::Limit, "shop", {}), ElementsAre(api::ObjectKey{"shop", "pods"}))
      << "what may be read is offered";
}

TEST_F(NamesOfObjects, are_none_where_the_cluster_fails) {
  server->expect(kube::Method::Get, "/api/v1/namespaces").refuse(503, "ServiceUnavailable", "no");
  EXPECT_THAT(names_in(client, NameKind::Namespace, "", {}), IsEmpty());
}

TEST_F(NamesOfObjects, are_waited_for_until_the_stop) {
  std::stop_source over;
  server->expect(kube::Method::Get, "/apis/headroom.dev/v1alpha1/festivalschedules")
      .where("it is asked before time is over", [&over](const kube::Request&) { return over.request_stop(); })
      .hang();
  EXPECT_THAT(names_in(client, NameKind::Schedule, "", over.get_token()), IsEmpty());
}

/// A port of this machine that takes connections and never says anything.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, any, size) != 0 || ::listen(socket_, 8) != 0 || ::getsockname(socket_, any, &size) != 0) {
      ADD_FAILURE() << "no port to listen on";
    }
    port = ntohs(address.sin_port);
  }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;
  ~SilentServer() { ::close(socket_); }

  int port = 0;

 private:
  int socket_;
};

TEST(NamesOfCluster, that_does_not_answer_are_none_after_a_moment) {
  const SilentServer server;
  GlobalFlags flags;
  flags.kubeconfig = ::testing::TempDir() + "silent-" + std::to_string(server.port);
  std::ofstream(flags.kubeconfig)
      << "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
      << "contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n"
      << "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:" << server.port << "'}}]\n";
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_THAT(names_of({NameKind::Target, NameKind::Schedule}, flags), ElementsAre(IsEmpty(), IsEmpty()));
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_GE(took, std::chrono::milliseconds(900)) << "it was not asked at all";
  EXPECT_LT(took, 2 * absl::ToChronoMilliseconds(kPatience)) << "for both together";
}

TEST(NamesOfCluster, that_is_not_configured_are_none) {
  GlobalFlags flags;
  flags.kubeconfig = "/nowhere";
  EXPECT_THAT(names_of({NameKind::Namespace}, flags), ElementsAre(IsEmpty()));
}

}  // namespace
}  // namespace headroom::cli
