#include "operator/controllers/selector_text.h"

#include <gtest/gtest.h>

namespace headroom::controllers {
namespace {

using Labels = std::map<std::string, std::string>;

TEST(SelectorText, matches_as_kubectl_would) {
  struct Row {
    const char* selector;
    Labels labels;
    bool matches;
  };
  const Row table[] = {
      {"", {{"app", "web"}}, true},
      {"app=web", {{"app", "web"}}, true},
      {"app==web", {{"app", "web"}}, true},
      {"app=web", {{"app", "db"}}, false},
      {"app=web", {}, false},
      {"app!=web", {{"app", "db"}}, true},
      {"app!=web", {}, true},
      {"app != web", {{"app", "web"}}, false},
      {"app=web,tier=front", {{"app", "web"}, {"tier", "front"}}, true},
      {"app=web,tier=front", {{"app", "web"}}, false},
      {"tier in (front, back)", {{"tier", "back"}}, true},
      {"tier in (front,back)", {{"tier", "side"}}, false},
      {"tier notin (front,back),app", {{"app", "web"}}, true},
      {"tier notin (front,back)", {{"tier", "front"}}, false},
      {"app", {{"app", ""}}, true},
      {"!canary", {{"app", "web"}}, true},
      {"!canary", {{"canary", "yes"}}, false},
      {"example.com/app=web", {{"example.com/app", "web"}}, true},
      {"app=", {{"app", ""}}, true},
  };
  for (const Row& row : table) {
    const auto selector = parse_selector_text(row.selector);
    ASSERT_TRUE(selector) << row.selector;
    EXPECT_EQ(selector.value().matches(row.labels), row.matches) << row.selector;
  }
}

TEST(SelectorText, refuses_what_it_does_not_understand) {
  for (const char* text : {"=web", "a b", "tier in front", "tier among (a)", "tier in (a", "!", "a,,b", "in (a)"}) {
    const auto selector = parse_selector_text(text);
    ASSERT_FALSE(selector) << text;
    EXPECT_NE(selector.error().message.find("not understood"), std::string::npos);
  }
}

}  // namespace
}  // namespace headroom::controllers
