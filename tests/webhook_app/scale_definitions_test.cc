// Which field a custom resource's `/scale` writes, as its definition says.
#include "webhook/app/scale_definitions.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/memory_api_server.h"
#include "tests/webhook_app/a_limit.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;

constexpr char kDefinition[] = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/stages.example.com";

json version(const std::string& name, const std::string& path) {
  json one = {{"name", name}, {"served", true}};
  if (!path.empty()) one["subresources"]["scale"]["specReplicasPath"] = path;
  return one;
}

json definition(std::vector<json> versions) {
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", "stages.example.com"}}},
          {"spec", {{"versions", std::move(versions)}}}};
}

std::string path_in(const json& definition) {
  const auto path = scaled_field_of(definition, "v1");
  return path ? path->text() : "";
}

TEST(ScaledFieldOf, is_what_the_version_says_where_all_versions_agree) {
  EXPECT_EQ(path_in(definition({version("v1", ".spec.instances")})), ".spec.instances");
  EXPECT_EQ(path_in(definition({version("v1", ".spec.n"), version("v2", ".spec.n")})), ".spec.n");
  EXPECT_EQ(path_in(definition({version("v1", ".spec.n"), version("v2", "")})), ".spec.n");
  EXPECT_EQ(path_in(definition({version("v1", ".spec.n"), version("v2", ".spec.size")})), "");
  EXPECT_EQ(path_in(definition({version("v1", "")})), "");
  EXPECT_EQ(path_in(definition({version("v2", ".spec.n")})), "");
  EXPECT_EQ(path_in(json::object()), "");
}

class ScaleDefinitionsTest : public ::testing::Test {
 protected:
  ScaleDefinitionsTest() {
    kube::ClientLimits limits;
    limits.retry_for = std::chrono::milliseconds(0);
    definitions_ = std::make_unique<ScaleDefinitions>(std::make_shared<kube::Client>(server_, limits, 1));
    const json resource = {
        {"group", "example.com"}, {"version", "v1"}, {"resource", "stages"}, {"subresources", {"scale"}}};
    limit_ = a_limit("stages", {{"match", {{"resources", json::array({resource})}}}});
  }
  bool refresh(int at) { return definitions_->refresh({limit_}, absl::Seconds(at), {}); }
  std::string known() const {
    const auto it = definitions_->fields().find({"example.com", "v1", "stages"});
    return it == definitions_->fields().end() ? "" : it->second.text();
  }

  const std::shared_ptr<testing::MemoryApiServer> server_ = testing::MemoryApiServer::make();
  std::unique_ptr<ScaleDefinitions> definitions_;
  std::shared_ptr<const api::ScaleLimit> limit_;
};

TEST_F(ScaleDefinitionsTest, reads_a_definition_once_in_a_while_and_sooner_where_there_was_none) {
  EXPECT_FALSE(refresh(0));
  EXPECT_EQ(known(), "");
  server_->put(kDefinition, definition({version("v1", ".spec.instances")}));
  EXPECT_FALSE(refresh(14));
  EXPECT_TRUE(refresh(15));
  EXPECT_EQ(known(), ".spec.instances");
  server_->put(kDefinition, definition({version("v1", ".spec.size")}));
  EXPECT_FALSE(refresh(314));
  EXPECT_TRUE(refresh(315));
  EXPECT_EQ(known(), ".spec.size");
  EXPECT_FALSE(refresh(700)) << "it says the same";
}

TEST_F(ScaleDefinitionsTest, forgets_what_no_limit_matches_any_more) {
  server_->put(kDefinition, definition({version("v1", ".spec.instances")}));
  EXPECT_TRUE(refresh(0));
  EXPECT_TRUE(definitions_->refresh({}, absl::Seconds(1), {}));
  EXPECT_TRUE(definitions_->fields().empty());
}

}  // namespace
}  // namespace headroom::webhook
