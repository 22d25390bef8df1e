// What the API server makes of the conditions of a generated webhook configuration: nobody is behind it, so a write
// that it would ask about fails.
#include "webhook/app/match_conditions.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/integration/limits_cluster.h"
#include "webhook/app/configuration_check.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;
using testing::deployment_body;
using testing::kArtifact;
using testing::object_of;

/// One write, and whether the webhook has to hear of it.
struct Row {
  const char* name;
  json spec;    ///< of the limit, over a match of artifacts
  json former;  ///< the object
  json patch;   ///< merged over it
  bool asked;
  std::string subresource{};
  const kube::ResourceType& type = kArtifact;
};

json matching(const json& more) { return {{"match", more}}; }
json resource(const json& more) {
  json one = {{"group", "example.com"}, {"version", "v1"}, {"resource", "artifacts"}};
  one.update(more);
  return matching({{"resources", json::array({one})}});
}
json merged(json one, const json& other) {
  one.merge_patch(other);
  return one;
}
json with_selector(json limit, const std::string& path, const std::string& op, const std::vector<std::string>& values) {
  json requirement = {{"path", path}, {"operator", op}};
  if (!values.empty()) requirement["values"] = values;
  limit["match"]["fieldSelector"] = json::array({requirement});
  return limit;
}

const json kCounted = {{"total", {{"count", 5}}}};
const json kSized = {{"total", {{"sums", {{{"name", "size"}, {"path", ".spec.size"}, {"hard", 100}}}}}}};
const json kListed = {{"total", {{"sums", {{{"name", "size"}, {"path", ".spec.parts[*].size"}, {"hard", 100}}}}}}};
const json kDeep = {{"total", {{"sums", {{{"name", "size"}, {"path", ".data.size"}, {"hard", 100}}}}}}};
const json kConfigMaps =
    merged(matching({{"resources", {{{"group", ""}, {"version", "v1"}, {"resource", "configmaps"}}}}}),
           {{"total", {{"sums", {{{"name", "size"}, {"path", ".data['size.of-it']"}, {"hard", 100}}}}}}});
const json kWeighed = {{"object", {{"maxBytes", 3000}}}};
const json kPaced = {{"rate", {{"writesPerSecond", 5}}}};
const json kScaled =
    merged(resource({{"subresources", json::array({"scale"})}}), {{"object", {{"replicas", {{"max", 9}}}}}});
const json kDeployments = merged(
    matching({{"resources",
               {{{"group", "apps"}, {"version", "v1"}, {"resource", "deployments"}, {"subresources", {"scale"}}}}}}),
    kCounted);
const json kReading = resource({{"subresources", json::array({"status"})}});

json size(const json& value) { return {{"spec", {{"size", value}}}}; }
json replicas(int count) { return {{"spec", {{"replicas", count}}}}; }
json finalizers(const std::vector<std::string>& names) { return {{"metadata", {{"finalizers", names}}}}; }
json ending(json object) {
  object["metadata"]["finalizers"] = {"example.com/a", "example.com/b"};
  object["metadata"]["deletionTimestamp"] = "now";
  return object;
}

const std::vector<Row>& rows() {
  const kube::ResourceType& deployment = kube::types::kDeployment;
  const kube::ResourceType& config_map = kube::types::kConfigMap;
  static const std::vector<Row> rows = {
      {"a count does not change with an update", kCounted, size(1), size(2), false},
      {"a label may bring an object in",
       merged(kCounted, matching({{"labelSelector", {{"matchLabels", {{"a", "b"}}}}}})),
       size(1),
       {{"metadata", {{"labels", {{"a", "b"}}}}}},
       true},
      {"what is no label does not", merged(kCounted, matching({{"labelSelector", {{"matchLabels", {{"a", "b"}}}}}})),
       size(1), merged(size(2), {{"metadata", {{"annotations", {{"a", "b"}}}}}}), false},
      {"a sum that grows", kSized, size(1), size(2), true},
      {"a sum that grows across notations", kSized, size("1k"), size(1001), true},
      {"a sum that shrinks", kSized, size(2), size(1), false},
      {"a sum that shrinks across notations", kSized, size(1001), size("1k"), false},
      {"the same amount in another notation", kSized, size(1000), size("1k"), false},
      {"a fraction that shrinks", kSized, size(1.5), size(0.5), false},
      {"a fraction that grows", kSized, size(0.5), size(1.5), true},
      {"a value that comes", kSized, json::object(), size(1), true},
      {"a value that goes", kSized, size(1), {{"spec", {{"size", nullptr}}}}, false},
      {"no value before and after", kSized, json::object(), {{"spec", {{"color", "red"}}}}, false},
      {"another field", kSized, size(1), {{"spec", {{"color", "red"}}}}, false},
      {"text that is no amount", kSized, size(1), size("big"), true},
      {"an amount where there was none", kSized, size("big"), size(1), true},
      {"a negative amount", kSized, size(1), size(-1), true},
      {"a truth value", kSized, size(1), size(true), true},
      {"an object in the place of a value", kSized, size(1), size({{"much", 5}}), true},
      {"the same object in the place of a value", kSized, size({{"much", 5}}), {{"spec", {{"color", "red"}}}}, false},
      {"a list in the place of an object", kDeep, {{"data", {1, 2}}}, {{"data", {3, 4}}}, false},
      {"a value where a list was", kDeep, {{"data", {1, 2}}}, {{"data", {{"size", 1}}}}, true},
      {"a value where text was", kDeep, {{"data", "text"}}, {{"data", {{"size", 1}}}}, true},
      {"text that is exchanged for text", kDeep, {{"data", "text"}}, {{"data", "other"}}, false},
      {"a list of values",
       kListed,
       {{"spec", {{"parts", {{{"size", 1}}, {{"size", 2}}}}}}},
       {{"spec", {{"parts", {{{"size", 1}}, {{"size", 1}}}}}}},
       true},
      {"the same list of values",
       kListed,
       {{"spec", {{"parts", {{{"size", 1}}, {{"size", 2}}}}}}},
       {{"spec", {{"color", "red"}}}},
       false},
      {"a field that selects",
       with_selector(kCounted, ".spec.phase", "NotIn", {"Done"}),
       {{"spec", {{"phase", "Done"}}}},
       {{"spec", {{"phase", "Going"}}}},
       true},
      {"a status that selects",
       with_selector(merged(kReading, kCounted), ".status.phase", "NotIn", {"Done"}),
       {{"status", {{"phase", "Going"}}}},
       {{"status", {{"phase", "Done"}}}},
       true,
       "status"},
      {"a status beside what selects",
       with_selector(merged(kReading, kCounted), ".status.phase", "NotIn", {"Done"}),
       {{"status", {{"phase", "Going"}}}},
       {{"status", {{"seen", 5}}}},
       false,
       "status"},

      {"a key with dots",
       kConfigMaps,
       {{"data", {{"size.of-it", "5"}}}},
       {{"data", {{"size.of-it", "6"}}}},
       true,
       "",
       config_map},
      {"another key",
       kConfigMaps,
       {{"data", {{"size.of-it", "5"}}}},
       {{"data", {{"size", "6"}}}},
       false,
       "",
       config_map},

      {"every write counts against a rate", kPaced, size(1), size(1), true},
      {"a rate hears of a changed label", kPaced, size(1), {{"metadata", {{"labels", {{"a", "b"}}}}}}, true},
      {"but not of a finalizer that goes", kPaced, finalizers({"example.com/a"}), finalizers({}), false},
      {"but of one that comes", kPaced, finalizers({"example.com/a"}), finalizers({"example.com/a", "example.com/b"}),
       true},
      {"but of one that is exchanged", kPaced, finalizers({"example.com/a"}), finalizers({"example.com/b"}), true},
      {"but of one that goes beside another change", kPaced, merged(finalizers({"example.com/a"}), size(1)),
       merged(finalizers({}), size(2)), true},
      {"nor of what happens to an object that is going", kPaced, ending(size(1)), size(2), false},
      {"size hears of all that an object that is going may grow by", kWeighed, ending(size(1)), size(200), true},
      {"such as annotations", kWeighed, ending(size(1)), {{"metadata", {{"annotations", {{"a", "b"}}}}}}, true},
      {"but not of its finalizers", kWeighed, ending(size(1)), finalizers({"example.com/b"}), false},
      {"a sum hears of what grows in an object that is going", kSized, ending(size(1)), size(2), true},

      {"scaling up", kScaled, replicas(3), replicas(4), true, "scale"},
      {"scaling down", kScaled, replicas(3), replicas(2), false, "scale"},
      {"scaling to zero", kScaled, replicas(3), replicas(0), false, "scale"},
      {"scaling up by the object", kScaled, replicas(3), replicas(4), true},
      {"scaling down by the object", kScaled, replicas(3), replicas(2), false},
      {"scaling a deployment up", kDeployments, deployment_body(3), replicas(4), true, "scale", deployment},
      {"scaling a deployment down", kDeployments, deployment_body(3), replicas(2), false, "scale", deployment},
      {"scaling down into the selection", with_selector(kDeployments, ".spec.replicas", "In", {"1", "2"}),
       deployment_body(3), replicas(2), true, "scale", deployment},
      {"scaling down within the selection", with_selector(kDeployments, ".spec.replicas", "In", {"1", "2"}),
       deployment_body(2), replicas(1), false, "scale", deployment},
      {"scaling down past the selection", with_selector(kDeployments, ".spec.replicas", "In", {"1", "2"}),
       deployment_body(3), replicas(0), false, "scale", deployment},
      {"scaling down to what is not left out", with_selector(kDeployments, ".spec.replicas", "NotIn", {"3"}),
       deployment_body(3), replicas(2), true, "scale", deployment},
      {"scaling down to what is left out", with_selector(kDeployments, ".spec.replicas", "NotIn", {"0"}),
       deployment_body(3), replicas(0), false, "scale", deployment},
      {"scaling down by the object into the selection", with_selector(kDeployments, ".spec.replicas", "In", {"1", "2"}),
       deployment_body(3), replicas(2), true, "", deployment},
      {"scaling down what a definition says how to scale", with_selector(kScaled, ".spec.agents", "In", {"2"}),
       replicas(3), replicas(2), true, "scale"},
      {"scaling down where a label selects",
       merged(kDeployments, matching({{"labelSelector", {{"matchLabels", {{"a", "b"}}}}}})), deployment_body(3),
       replicas(2), false, "scale", deployment},
  };
  return rows;
}

class MatchConditions : public ::testing::Test {
 protected:
  MatchConditions() { testing::limits_cluster(); }

  /// Only for this test's namespace; nobody listens at the address.
  json configuration(const std::string& name, const json& spec) const {
    const auto limit = std::make_shared<const api::ScaleLimit>(
        api::scale_limit_from_json(testing::limit_object(ns_.name(), name, spec)).value());
    WebhookAddress address;
    address.url = "https://127.0.0.1:1/validate";
    address.excluded_namespaces = {"kube-system"};
    const std::vector<limits::TypeId> types(limit->spec.match.resources.size(), 0);
    const limits::LimitSet set({std::make_shared<const limits::CompiledLimit>(
        1, limit, types, std::vector<std::string>(), std::vector<std::string>())});
    json configuration = webhook_configuration(absl::StrCat(ns_.name(), "-", name), set, address);
    for (json& entry : configuration.at("webhooks")) {
      entry["clientConfig"].erase("caBundle");
      entry["namespaceSelector"] = {{"matchLabels", {{"kubernetes.io/metadata.name", ns_.name()}}}};
    }
    return configuration;
  }

  /// The object of a row, before there is anybody to ask.
  void store(const Row& row, const std::string& name) {
    json body = row.former;
    const bool deleted = body.contains("metadata") && body["metadata"].erase("deletionTimestamp") > 0;
    const auto stored = client_->create(row.type, object_of(row.type, ns_.name(), name, body), {});
    ASSERT_TRUE(stored) << stored.error().message;
    if (row.former.contains("status")) {
      const auto told = client_->patch(row.type, {ns_.name(), name}, kube::PatchType::Merge,
                                       {{"status", row.former.at("status")}}, {}, {.subresource = "status"});
      ASSERT_TRUE(told) << told.error().message;
    }
    if (deleted) {
      ASSERT_TRUE(client_->remove(row.type, {ns_.name(), name}, {}, {}));
    }
  }

  /// Whether the API server wanted to ask; a test failure where it had another reason to refuse.
  bool asks(const Result<json>& result) {
    if (result) return false;
    EXPECT_TRUE(absl::StrContains(result.error().message, "failed calling webhook")) << result.error().message;
    return true;
  }

  const std::shared_ptr<kube::Client> client_ = testing::impatient_client();
  const testing::TestNamespace ns_ = testing::limits_cluster().new_namespace();
};

TEST_F(MatchConditions, leave_out_what_can_use_no_more_and_nothing_else) {
  kube::WriteOptions dry;
  dry.dry_run = true;
  // One configuration for all neighbours that share a limit.
  for (auto first = rows().begin(); first != rows().end();) {
    const auto last = std::find_if(first, rows().end(), [&](const Row& row) { return row.spec != first->spec; });
    const auto name_of = [](auto row) { return absl::StrCat("row-", row - rows().begin()); };
    for (auto row = first; row != last; ++row) store(*row, name_of(row));
    const std::string name = name_of(first);
    const auto applied =
        client_->create(kube::types::kValidatingWebhookConfiguration, configuration(name, first->spec), {});
    ASSERT_TRUE(applied) << applied.error().message;
    json probe = object_of(first->type, ns_.name(), "probe", first->former);
    probe["metadata"].erase("deletionTimestamp");
    const auto asked = [&] { return !client_->create(first->type, probe, {}, dry); };
    ASSERT_TRUE(testing::eventually(std::chrono::seconds(10), asked));
    for (auto row = first; row != last; ++row) {
      SCOPED_TRACE(row->name);
      kube::WriteOptions write = dry;
      write.subresource = row->subresource;
      const auto written =
          client_->patch(row->type, {ns_.name(), name_of(row)}, kube::PatchType::Merge, row->patch, {}, write);
      EXPECT_EQ(asks(written), row->asked) << applied.value()["webhooks"].dump(1);
    }
    ASSERT_TRUE(client_->remove(kube::types::kValidatingWebhookConfiguration, {"", absl::StrCat(ns_.name(), "-", name)},
                                {}, {}));
    ASSERT_TRUE(testing::eventually(std::chrono::seconds(10), [&] { return !asked(); }));
    first = last;
  }
}

}  // namespace
}  // namespace headroom::webhook
