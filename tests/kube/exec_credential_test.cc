// Credentials from programs: their answer, and running them.
#include "operator/kube/exec_credential.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "operator/kube/child_process.h"
#include "operator/kube/text_file.h"
#include "tests/kube/temporary_folder.h"

namespace headroom::kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::TemporaryFolder;
using SteadyClock = std::chrono::steady_clock;

constexpr char kV1[] = "client.authentication.k8s.io/v1";

std::string answer(const json& status, const std::string& version = kV1) {
  return json{{"kind", "ExecCredential"}, {"apiVersion", version}, {"status", status}}.dump();
}

TEST(ExecCredential, is_a_token_with_an_expiry) {
  const auto credential =
      parse_exec_credential(answer({{"token", "t0k"}, {"expirationTimestamp", "2026-11-08T10:00:00Z"}}), kV1);
  ASSERT_TRUE(credential) << credential.error().message;
  EXPECT_EQ(credential.value().token, "t0k");
  EXPECT_EQ(credential.value().expires, absl::FromUnixSeconds(1'794'132'000));
}

TEST(ExecCredential, is_a_client_certificate_without_an_expiry) {
  const auto credential =
      parse_exec_credential(answer({{"clientCertificateData", "cert"}, {"clientKeyData", "key"}}), kV1);
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential.value().certificate_pem, "cert");
  EXPECT_EQ(credential.value().key_pem, "key");
  EXPECT_FALSE(credential.value().expires);
}

TEST(ExecCredential, is_refused_when_it_is_none_and_never_quoted) {
  struct Row {
    std::string text;
    const char* says;
  };
  for (const Row& row : {
           Row{"", "no JSON object"},
           Row{"s3cret", "no JSON object"},
           Row{"[\"s3cret\"]", "no JSON object"},
           Row{R"({"kind":"Status","apiVersion":"client.authentication.k8s.io/v1"})", "no ExecCredential"},
           Row{answer({{"token", "s3cret"}}, "client.authentication.k8s.io/v1beta1"), "write the apiVersion"},
           Row{R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"})", "no status"},
           Row{answer({{"token", ""}}), "neither"},
           Row{answer({{"token", 5}}), "neither"},
           Row{answer({{"token", "s3cret\nX-Evil: 1"}}), "no token has"},
           Row{answer({{"clientKeyData", "s3cret"}}), "without the other"},
           Row{answer({{"token", "s3cret"}, {"expirationTimestamp", "soon"}}), "expirationTimestamp"},
       }) {
    const auto credential = parse_exec_credential(row.text, kV1);
    ASSERT_FALSE(credential) << row.text;
    EXPECT_NE(credential.error().message.find(row.says), std::string::npos) << credential.error().message;
    EXPECT_EQ(credential.error().message.find("s3cret"), std::string::npos) << credential.error().message;
  }
}

class ExecCommandTest : public ::testing::Test {
 protected:
  Result<ExecCredential> run(const std::string& script, milliseconds timeout = seconds(20), std::stop_token stop = {}) {
    command.command = folder.write("program", "#!/bin/sh\n" + script, true);
    return run_exec_command(command, cluster, timeout, stop);
  }

  void SetUp() override {
    command.arguments = {"a b", "c"};
    command.environment = {{"OWN", "o"}};
    command.api_version = kV1;
    command.install_hint = "get it from example.com";
    command.provide_cluster_info = true;
    cluster.server = "https://h:6443";
    cluster.ca_pem = "pem";
  }

  const TemporaryFolder folder;
  ExecCommand command;
  ClusterConfig cluster;
};

TEST_F(ExecCommandTest, gets_arguments_variables_and_what_the_cluster_is) {
  ASSERT_FALSE(run("echo \"$1|$2|$OWN|$HOME\" > " + folder.path("seen") + "; echo \"$KUBERNETES_EXEC_INFO\" > " +
                   folder.path("info") + "; exit 1"));
  const std::string seen = read_text_file(folder.path("seen"), 1000).value();
  const std::string info = read_text_file(folder.path("info"), 10'000).value();
  EXPECT_TRUE(seen.starts_with("a b|c|o|")) << seen;
  const json parsed = json::parse(info);
  EXPECT_EQ(parsed["apiVersion"], kV1);
  EXPECT_EQ(parsed["spec"]["interactive"], false);
  EXPECT_EQ(parsed["spec"]["cluster"]["server"], "https://h:6443");
  EXPECT_EQ(parsed["spec"]["cluster"]["certificate-authority-data"], "cGVt");
}

TEST(ChildProcess, at_our_terminal_shares_our_group_and_otherwise_has_its_own) {
  const auto group_of = [](ChildTerminal terminal) {
    const auto child =
        run_child({"/bin/sh", "-c", "read -r pid name state parent group rest < /proc/$$/stat; echo $group"}, {}, 100,
                  seconds(20), {}, terminal);
    return child ? std::stol(child.value().output) : -1L;
  };
  EXPECT_EQ(group_of(ChildTerminal::Ours), static_cast<long>(::getpgrp()));
  EXPECT_NE(group_of(ChildTerminal::None), static_cast<long>(::getpgrp()));
}

TEST(ChildProcess, at_our_terminal_is_killed_at_its_deadline) {
  const auto started = SteadyClock::now();
  const auto child = run_child({"/bin/sleep", "60"}, {}, 100, milliseconds(100), {}, ChildTerminal::Ours);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, ErrorCode::Timeout);
  EXPECT_LT(SteadyClock::now() - started, seconds(30));
}

TEST_F(ExecCommandTest, that_is_missing_is_named_with_its_install_hint) {
  command.command = "no-such-program-anywhere";
  const auto credential = run_exec_command(command, cluster, seconds(20), {});
  ASSERT_FALSE(credential);
  EXPECT_EQ(credential.error().code, ErrorCode::Unauthorized);
  EXPECT_NE(credential.error().message.find("no-such-program-anywhere"), std::string::npos);
  EXPECT_NE(credential.error().message.find("get it from example.com"), std::string::npos)
      << credential.error().message;
}

TEST_F(ExecCommandTest, is_killed_with_its_children_at_the_deadline) {
  const auto start = SteadyClock::now();
  const auto credential = run("sleep 60 & sleep 60", milliseconds(200));
  ASSERT_FALSE(credential);
  EXPECT_EQ(credential.error().code, ErrorCode::Timeout);
  EXPECT_LT(SteadyClock::now() - start, seconds(5));
}

TEST_F(ExecCommandTest, is_killed_when_it_is_stopped) {
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  const auto start = SteadyClock::now();
  const auto credential = run("sleep 60", seconds(60), stop.get_token());
  ASSERT_FALSE(credential);
  EXPECT_EQ(credential.error().code, ErrorCode::Cancelled);
  EXPECT_LT(SteadyClock::now() - start, seconds(5));
}

TEST_F(ExecCommandTest, is_killed_when_it_never_stops_talking) {
  const auto credential =
      run("while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done");
  ASSERT_FALSE(credential);
  EXPECT_NE(credential.error().message.find("more than 1048576 bytes"), std::string::npos)
      << credential.error().message;
}

TEST_F(ExecCommandTest, is_not_waited_for_because_of_what_it_left_running) {
  const auto start = SteadyClock::now();
  const auto credential = run("sleep 60 & echo '" + answer({{"token", "t"}}) + "'");
  ASSERT_TRUE(credential) << credential.error().message;
  EXPECT_LT(SteadyClock::now() - start, seconds(10));
}

TEST(ChildProcess, has_its_exit_code_output_and_errors_kept_apart) {
  const auto child = run_child({"/bin/sh", "-c", "echo out; echo err >&2; exit 7"}, {}, 100, seconds(20), {});
  ASSERT_TRUE(child);
  EXPECT_EQ(child.value().exit_code, 7);
  EXPECT_EQ(child.value().output, "out\n");
  EXPECT_EQ(child.value().errors, "err\n");
  EXPECT_EQ(run_child({"/bin/sh", "-c", "kill -9 $$"}, {}, 100, seconds(20), {}).value().exit_code, 137);
  EXPECT_EQ(run_child({"/bin/sh", "-c", "cat"}, {}, 100, seconds(20), {}).value().output, "") << "no input";
}

}  // namespace
}  // namespace headroom::kube
