#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/api/object.h"

namespace headroom::api {
namespace {

using nlohmann::json;
using Labels = std::map<std::string, std::string>;

LabelSelector selector(const char* text) {
  Result<LabelSelector> parsed = selector_from_json(json::parse(text), "selector");
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed ? parsed.value() : LabelSelector();
}

TEST(LabelSelector, matches_as_kubernetes_does) {
  struct Row {
    const char* selector;
    Labels labels;
    bool matches;
  };
  const Row table[] = {
      {"{}", {}, true},
      {"{}", {{"tier", "erp"}}, true},
      {R"({"matchLabels": {"tier": "erp"}})", {{"tier", "erp"}, {"app", "orders"}}, true},
      {R"({"matchLabels": {"tier": "erp"}})", {{"tier", "workers"}}, false},
      {R"({"matchLabels": {"tier": "erp"}})", {}, false},
      {R"({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]})", {{"tier", "b"}}, true},
      {R"({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]})", {{"tier", "c"}}, false},
      {R"({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]})", {}, false},
      {R"({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}]})", {{"tier", "a"}}, false},
      {R"({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}]})", {{"tier", "b"}}, true},
      {R"({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}]})", {}, true},
      {R"({"matchExpressions": [{"key": "tier", "operator": "Exists"}]})", {{"tier", ""}}, true},
      {R"({"matchExpressions": [{"key": "tier", "operator": "Exists"}]})", {}, false},
      {R"({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]})", {{"tier", ""}}, false},
      {R"({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]})", {}, true},
      {R"({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]})", {{"a", "1"}}, false},
  };
  for (const Row& row : table) EXPECT_EQ(selector(row.selector).matches(row.labels), row.matches) << row.selector;
}

TEST(LabelSelector, refuses_what_kubernetes_refuses) {
  struct Row {
    const char* selector;
    const char* error;
  };
  const Row table[] = {
      {"[]", "selector: must be an object, not a list"},
      {R"({"matchLabels": {"a": 1}})", "selector.matchLabels.a: must be a string, not 1"},
      {R"({"matchExpressions": [{"operator": "Exists"}]})",
       "selector.matchExpressions[0].key: must be a string that is not empty, not absent"},
      {R"({"matchExpressions": [{"key": "a"}]})", "selector.matchExpressions[0].operator: must be one of In, NotIn"},
      {R"({"matchExpressions": [{"key": "a", "operator": "Like"}]})",
       "selector.matchExpressions[0].operator: must be one of In, NotIn, Exists, DoesNotExist, not \"Like\""},
      {R"({"matchExpressions": [{"key": "a", "operator": "In"}]})",
       "selector.matchExpressions[0].values: must not be empty"},
      {R"({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]})",
       "selector.matchExpressions[0].values: must be left out"},
  };
  for (const Row& row : table) {
    const Result<LabelSelector> parsed = selector_from_json(json::parse(row.selector), "selector");
    ASSERT_FALSE(parsed) << row.selector;
    EXPECT_EQ(parsed.error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(parsed.error().message.find(row.error), 0u) << parsed.error().message;
  }
}

}  // namespace
}  // namespace headroom::api
