// A client with a scripted server and a time that waits for nobody.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "operator/kube/client.h"
#include "tests/kube/manual_timing.h"
#include "tests/support/scripted_transport.h"

namespace headroom::kube {

class ClientTest : public ::testing::Test {
 protected:
  void TearDown() override { server->await_done(std::chrono::milliseconds(0)); }

  const std::shared_ptr<headroom::testing::ScriptedTransport> server =
      std::make_shared<headroom::testing::ScriptedTransport>();
  const std::shared_ptr<headroom::testing::ManualTiming> timing = std::make_shared<headroom::testing::ManualTiming>();
  ClientLimits limits;
  Client client{server, limits, 1, timing};
  const api::ObjectKey web{"shop", "web"};
  const std::string web_path = "/apis/apps/v1/namespaces/shop/deployments/web";
  const nlohmann::json object{{"metadata", {{"namespace", "shop"}, {"name", "web"}}}, {"spec", {{"replicas", 3}}}};
};

}  // namespace headroom::kube
