#include "webhook/review.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/webhook/sample_review.h"

namespace headroom::webhook {
namespace {

using Json = nlohmann::ordered_json;
using limits::ObjectView;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// The text of the last value at the path.
std::string scalar(const limits::ObjectView& object, const char* path) {
  std::string text;
  object.each(api::JsonPath::parse(path).value(), [&](const auto& found) { text = found.text; });
  return text;
}

TEST(Review, reads_what_an_api_server_sends) {
  ReviewReader reader;
  const std::string body = sample_review().dump();
  const auto read = reader.read(body);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  const Review& review = *read.value();
  EXPECT_EQ(review.uid, sample_uid());
  EXPECT_EQ(reader.uid(), sample_uid());
  EXPECT_EQ(review.operation, Operation::Update);
  EXPECT_FALSE(review.dry_run);
  EXPECT_EQ(review.kind.group, "apps");
  EXPECT_EQ(review.kind.version, "v1");
  EXPECT_EQ(review.kind.kind, "Deployment");
  EXPECT_EQ(review.resource.group, "apps");
  EXPECT_EQ(review.resource.version, "v1");
  EXPECT_EQ(review.resource.resource, "deployments");
  EXPECT_EQ(review.sub_resource, "");
  EXPECT_EQ(review.ns, "shop");
  EXPECT_EQ(review.name, "cart");
  EXPECT_EQ(review.username, "system:serviceaccount:shop:deployer");
  ASSERT_NE(review.object, nullptr);
  ASSERT_NE(review.old_object, nullptr);
  EXPECT_EQ(scalar(*review.object, ".spec.replicas"), "5");
  EXPECT_EQ(scalar(*review.old_object, ".spec.replicas"), "3");
  EXPECT_EQ(review.object->label("app"), "cart");
  EXPECT_EQ(review.old_object->resource_version(), "81234");
  Json object = sample_review()["request"]["object"];
  object["metadata"].erase("managedFields");
  EXPECT_EQ(review.object->compact_bytes(), object.dump().size());
}

TEST(Review, reads_a_scale_request_that_came_in_another_version) {
  Json json = sample_review();
  Json& request = json["request"];
  request["kind"] = {{"group", "autoscaling"}, {"version", "v1"}, {"kind", "Scale"}};
  request["subResource"] = request["requestSubResource"] = "scale";
  request["requestResource"] = {{"group", "extensions"}, {"version", "v1beta1"}, {"resource", "deployments"}};
  request["dryRun"] = true;
  ReviewReader reader;
  const std::string body = json.dump();
  const Review& review = *reader.read(body).value();
  EXPECT_EQ(review.kind.kind, "Scale");
  EXPECT_EQ(review.sub_resource, "scale");
  EXPECT_EQ(review.request_sub_resource, "scale");
  EXPECT_EQ(review.request_resource.group, "extensions");
  EXPECT_EQ(review.request_resource.version, "v1beta1");
  EXPECT_EQ(review.resource.group, "apps");
  EXPECT_TRUE(review.dry_run);
}

TEST(Review, takes_what_a_review_may_leave_out) {
  Json json = sample_review();
  Json& request = json["request"];
  request["operation"] = "DELETE";
  request["object"] = nullptr;
  request["dryRun"] = nullptr;
  request["resource"]["group"] = "";
  for (const char* key : {"requestKind", "requestResource", "namespace", "name", "userInfo", "options", "kind"}) {
    request.erase(key);
  }
  ReviewReader reader;
  const std::string body = json.dump(2);
  const auto read = reader.read(body);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  const Review& review = *read.value();
  EXPECT_EQ(review.operation, Operation::Delete);
  EXPECT_EQ(review.object, nullptr);
  ASSERT_NE(review.old_object, nullptr);
  EXPECT_EQ(review.old_object->name(), "cart");
  EXPECT_EQ(review.request_resource.resource, "deployments");
  EXPECT_EQ(review.ns, "");
  EXPECT_EQ(review.username, "");
}

TEST(Review, reads_one_body_after_the_other_whatever_was_before) {
  ReviewReader reader;
  std::string large = sample_review().dump(), small = sample_review().dump(), wrong = "{";
  Json other = sample_review();
  other["request"]["uid"] = "other";
  other["request"]["operation"] = "CREATE";
  other["request"]["oldObject"] = nullptr;
  other["request"]["object"]["data"] = std::string(2 << 20, 'x');
  large = other.dump();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(reader.read(small).value()->uid, sample_uid());
    const Review* const review = reader.read(large).value();
    EXPECT_EQ(review->uid, "other");
    EXPECT_EQ(review->old_object, nullptr);
    EXPECT_GT(review->object->compact_bytes(), 2u << 20);
    if (i > 0) reader.trim();
    EXPECT_FALSE(reader.read(wrong).has_value());
    EXPECT_EQ(reader.uid(), "");
  }
}

TEST(Review, reads_integers_that_only_a_double_can_hold_as_they_were_sent) {
  std::string body = sample_review().dump();
  const std::string large = "100000000000000000000";  // how Go writes 1e20
  const std::size_t at = body.find("\"replicas\":5");
  body.replace(at, 12, "\"big\":-" + large + ",\"replicas\":" + large);
  ReviewReader reader;
  const auto read = reader.read(body);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  const ObjectView& object = *read.value()->object;
  EXPECT_EQ(scalar(object, ".spec.replicas"), large);
  EXPECT_EQ(scalar(object, ".spec.big"), "-" + large);
  EXPECT_EQ(scalar(object, ".status.replicas"), "3");
  Json without = Json::parse(body)["request"]["object"];
  without["metadata"].erase("managedFields");
  without["spec"].erase("big");
  without["spec"].erase("replicas");
  EXPECT_EQ(object.compact_bytes(),
            without.dump().size() + std::string("\"big\":-,\"replicas\":,").size() + 2 * large.size());
}

struct Wrong {
  const char* what;
  std::function<void(Json&)> change;
  const char* message;
  bool has_uid = true;
};

TEST(Review, says_what_is_wrong_and_keeps_the_uid_where_there_is_one) {
  const Wrong table[] = {
      {"a list", [](Json& r) { r = Json::array(); }, "the document is a list, not an object", false},
      {"a number", [](Json& r) { r = 3; }, "the document is a number, not an object", false},
      {"null", [](Json& r) { r = nullptr; }, "the document is null, not an object", false},
      {"empty", [](Json& r) { r = Json::object(); }, "apiVersion \"\" and kind \"\" are not", false},
      {"the former version", [](Json& r) { r["apiVersion"] = "admission.k8s.io/v1beta1"; },
       "apiVersion \"admission.k8s.io/v1beta1\" and kind \"AdmissionReview\" are not"},
      {"a version to come", [](Json& r) { r["apiVersion"] = "admission.k8s.io/v2"; }, "\"admission.k8s.io/v2\""},
      {"no version", [](Json& r) { r.erase("apiVersion"); }, "apiVersion \"\""},
      {"a version of another type", [](Json& r) { r["apiVersion"] = 1; }, "apiVersion \"\""},
      {"another kind", [](Json& r) { r["kind"] = "ConversionReview"; }, "kind \"ConversionReview\""},
      {"another kind of another shape",
       [](Json& r) {
         r["kind"] = "Pod";
         r["request"] = 3;
       },
       "kind \"Pod\"", false},
      {"no request", [](Json& r) { r.erase("request"); }, "request is missing", false},
      {"null as request", [](Json& r) { r["request"] = nullptr; }, "request is missing", false},
      {"a list as request", [](Json& r) { r["request"] = Json::array(); }, "request is a list, not an object", false},
      {"no uid", [](Json& r) { r["request"].erase("uid"); }, "request.uid is missing", false},
      {"an empty uid", [](Json& r) { r["request"]["uid"] = ""; }, "request.uid is missing", false},
      {"null as uid", [](Json& r) { r["request"]["uid"] = nullptr; }, "request.uid is missing", false},
      {"a number as uid", [](Json& r) { r["request"]["uid"] = 7; }, "request.uid is a number, not a string", false},
      {"an endless uid", [](Json& r) { r["request"]["uid"] = std::string(257, 'u'); },
       "request.uid is longer than 256 bytes", false},
      {"no operation", [](Json& r) { r["request"].erase("operation"); }, "request.operation is missing"},
      {"an unknown operation", [](Json& r) { r["request"]["operation"] = "PATCH"; },
       "request.operation is \"PATCH\", not CREATE, UPDATE, DELETE or CONNECT"},
      {"an operation in small letters", [](Json& r) { r["request"]["operation"] = "create"; }, "\"create\""},
      {"an object as operation", [](Json& r) { r["request"]["operation"] = Json::object(); },
       "request.operation is an object, not a string"},
      {"no resource", [](Json& r) { r["request"].erase("resource"); }, "request.resource needs a version"},
      {"half a resource", [](Json& r) { r["request"]["resource"].erase("version"); },
       "request.resource needs a version"},
      {"a text as resource", [](Json& r) { r["request"]["resource"] = "pods"; },
       "request.resource is a string, not an object"},
      {"a number in resource", [](Json& r) { r["request"]["resource"]["group"] = 1.5; },
       "request.resource.group is a number, not a string"},
      {"a list in kind", [](Json& r) { r["request"]["kind"]["kind"] = Json::array(); },
       "request.kind.kind is a list, not a string"},
      {"a boolean in requestResource", [](Json& r) { r["request"]["requestResource"]["resource"] = true; },
       "request.requestResource.resource is a boolean, not a string"},
      {"a text as dryRun", [](Json& r) { r["request"]["dryRun"] = "true"; },
       "request.dryRun is a string, not a boolean"},
      {"a number as namespace", [](Json& r) { r["request"]["namespace"] = 1; },
       "request.namespace is a number, not a string"},
      {"a list as userInfo", [](Json& r) { r["request"]["userInfo"] = Json::array(); },
       "request.userInfo is a list, not an object"},
      {"a number as user", [](Json& r) { r["request"]["userInfo"]["username"] = 0; },
       "request.userInfo.username is a number, not a string"},
      {"a text as object", [](Json& r) { r["request"]["object"] = "{}"; }, "request.object is a string, not an object"},
      {"a list as oldObject", [](Json& r) { r["request"]["oldObject"] = Json::array(); },
       "request.oldObject is a list, not an object"},
      {"an update without an object", [](Json& r) { r["request"]["object"] = nullptr; },
       "request.object is missing in a CREATE or UPDATE"},
      {"an update without an old object", [](Json& r) { r["request"].erase("oldObject"); },
       "request.oldObject is missing in an UPDATE"},
  };
  ReviewReader reader;
  for (const Wrong& row : table) {
    Json json = sample_review();
    row.change(json);
    const std::string body = json.dump();
    const auto read = reader.read(body);
    ASSERT_FALSE(read.has_value()) << row.what;
    EXPECT_EQ(read.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(read.error().message, AllOf(StartsWith("not an AdmissionReview: "), HasSubstr(row.message),
                                            HasSubstr("; send what a Kubernetes API server sends")))
        << row.what;
    EXPECT_EQ(reader.uid(), row.has_uid ? sample_uid() : "") << row.what;
  }
}

TEST(Review, refuses_text_that_is_not_json) {
  const std::string good = sample_review().dump();
  const auto with = [&good](const std::string& from, const std::string& to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  const struct {
    const char* what;
    std::string body;
    const char* message;
  } table[] = {
      {"nothing", "", "the body is empty"},
      {"white space", " \n ", "the body is empty"},
      {"half a review", good.substr(0, good.size() / 2), "not JSON"},
      {"all but the last brace", good.substr(0, good.size() - 1), "not JSON"},
      {"two reviews", good + good, "not JSON"},
      {"a review and a comma", good + ",", "not JSON"},
      {"a comment", with("\"uid\"", "/* it */ \"uid\""), "not JSON"},
      {"an apostrophe", with("\"uid\"", "'uid'"), "not JSON"},
      {"a trailing comma", with("\"dryRun\":false", "\"dryRun\":false,}"), "not JSON"},
      {"no colon", with("\"dryRun\":", "\"dryRun\" "), "not JSON"},
      {"NaN", with("\"replicas\":5", "\"replicas\":NaN"), "not JSON"},
      {"a leading zero", with("\"replicas\":5", "\"replicas\":05"), "not JSON"},
      {"a leading zero of a long number", with("\"replicas\":5", "\"replicas\":0" + std::string(30, '5')), "not JSON"},
      {"a plus", with("\"replicas\":5", "\"replicas\":+5"), "not JSON"},
      {"no digits after the point", with("\"replicas\":5", "\"replicas\":5."), "not JSON"},
      {"a number beyond a double", with("\"replicas\":5", "\"replicas\":1e400"), "not JSON"},
      {"an integer beyond a double", with("\"replicas\":5", "\"replicas\":" + std::string(400, '9')), "not JSON"},
      {"a line break in a string", with("deployer", "dep\nloyer"), "not JSON"},
      {"an unknown escape", with("deployer", "dep\\xloyer"), "not JSON"},
      {"half an escape", with("deployer", "dep\\u12"), "not JSON"},
      {"half a surrogate pair", with("deployer", "dep\\ud800loyer"), "not JSON"},
      {"a byte that is no UTF-8", with("deployer", "dep\xFFloyer"), "not JSON"},
      {"an overlong letter", with("deployer", "dep\xC0\xAFloyer"), "not JSON"},
      {"half a letter", with("deployer", "dep\xE2\x82loyer"), "not JSON"},
      {"a surrogate in UTF-8", with("deployer", "dep\xED\xA0\x80loyer"), "not JSON"},
      {"a zero byte", with("deployer", std::string("dep\0loyer", 9)), "not JSON"},
      {"a byte order mark", "\xEF\xBB\xBF" + good, "not JSON"},
      {"UTF-16", std::string("{\0\"\0a\0\"\0:\0", 10), "not JSON"},
      {"1,025 levels", std::string(1025, '[') + std::string(1025, ']'), "deeper than 1024 levels"},
      {"10,000 levels of lists", std::string(10'000, '[') + std::string(10'000, ']'), "deeper than 1024 levels"},
      {"100,000 levels without an end", std::string(100'000, '['), "not an AdmissionReview"},
  };
  ReviewReader reader;
  for (const auto& row : table) {
    const auto read = reader.read(row.body);
    ASSERT_FALSE(read.has_value()) << row.what;
    EXPECT_THAT(read.error().message, HasSubstr(row.message)) << row.what;
    EXPECT_EQ(reader.uid(), "") << row.what;
  }
  EXPECT_TRUE(reader.read(good).has_value());
}

TEST(Review, refuses_a_key_that_is_there_twice_wherever_it_is) {
  const std::string good = sample_review().dump();
  std::string many = "{";
  for (int i = 0; i < 5000; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  const std::string alike = "\"beginning-1-then-end\":0,\"beginning-2-then-end\":0";  // but for the middle
  const auto some = [](int keys) {
    std::string text = "{";
    for (int i = 0; i < keys; ++i) text += "\"k" + std::to_string(i) + "\":{},";
    return text;
  };
  const struct {
    std::string from, to, key;
  } table[] = {
      {"{\"kind\":\"AdmissionReview\"", "{\"kind\":\"AdmissionReview\",\"kind\":\"AdmissionReview\"", "kind"},
      {"\"request\":{", "\"request\":{\"operation\":\"CREATE\",", "operation"},
      {"\"request\":{", "\"request\":{\"oper\\u0061tion\":\"CREATE\",", "operation"},
      {"\"request\":{\"uid\"", "\"request\":{\"object\":{},\"uid\"", "object"},
      {"\"group\":\"apps\"", "\"group\":\"apps\",\"group\":\"\"", "group"},
      {"\"replicas\":5", "\"replicas\":5,\"replicas\":500", "replicas"},
      {"\"app\":\"cart\"", "\"app\":\"cart\",\"app\":\"other\"", "app"},
      {"\"name\":\"cart\",\"image\"", "\"image\":\"\",\"name\":\"cart\",\"image\"", "image"},
      {"\"f:replicas\":{}", "\"f:replicas\":{},\"f:replicas\":{}", "f:replicas"},
      {"\"status\":{", "\"status\":{\"deep\":[[[{\"a\":{\"\":1,\"b\":2,\"\":3}}]]],", ""},
      {"\"status\":{", "\"status\":{\"many\":" + many + "\"k0\":1},", "k0"},
      {"\"status\":{", "\"status\":{\"many\":" + many + "\"k4999\":1},", "k4999"},
      {"\"status\":{", "\"status\":{" + alike + ",\"beginning-2-then-end\":1,", "beginning-2-then-end"},
      {"\"status\":{", "\"status\":{" + alike + ",\"beginning-1-then-end\":1,", "beginning-1-then-end"},
      {"\"status\":{", "\"status\":{\"some\":" + some(31) + "\"k0\":{}},", "k0"},
      {"\"status\":{", "\"status\":{\"some\":" + some(32) + "\"k31\":{}},", "k31"},
      {"\"status\":{", "\"status\":{\"some\":" + some(40) + "\"last\":{\"a\":1,\"a\":1}},", "a"},
  };
  ReviewReader reader;
  for (const auto& row : table) {
    std::string body = good;
    ASSERT_NE(body.find(row.from), std::string::npos) << row.from;
    body.replace(body.find(row.from), row.from.size(), row.to);
    const auto read = reader.read(body);
    ASSERT_FALSE(read.has_value()) << row.to;
    EXPECT_THAT(read.error().message, HasSubstr("the key \"" + row.key + "\" is there twice")) << row.to;
    EXPECT_EQ(reader.uid(), sample_uid());
  }
  for (const std::string& inner : {"\"many\":" + many + "\"last\":1},", alike + ",",
                                   "\"some\":" + some(31) + "\"k\":{}},", "\"some\":" + some(32) + "\"k\":{}},"}) {
    std::string unique = good;
    unique.replace(unique.find("\"status\":{"), 10, "\"status\":{" + inner);
    EXPECT_TRUE(reader.read(unique).has_value()) << inner;
  }
}

TEST(Review, reads_an_object_that_is_nearly_as_deep_as_allowed) {
  Json json = sample_review();
  std::string body = json.dump();
  body.replace(body.find("\"replicas\":5"), 12, "\"deep\":" + std::string(1000, '[') + "1.5" + std::string(1000, ']'));
  ReviewReader reader;
  const auto read = reader.read(body);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_GT(read.value()->object->compact_bytes(), 2000u);
}

}  // namespace
}  // namespace headroom::webhook
