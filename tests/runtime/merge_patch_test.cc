#include "operator/runtime/merge_patch.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace headroom::runtime {
namespace {

using nlohmann::json;

TEST(MergePatch, is_empty_between_equals) {
  const json same = {{"a", 1}, {"b", {{"c", {1, 2}}}}};
  EXPECT_FALSE(merge_patch_between(same, same));
}

TEST(MergePatch, turns_the_one_into_the_other) {
  const std::pair<json, json> table[] = {
      {{{"a", 1}}, {{"a", 2}}},
      {{{"a", 1}, {"b", 2}}, {{"b", 2}}},
      {json::object(), {{"a", {{"b", "c"}}}}},
      {{{"a", {{"b", 1}, {"c", 2}}}}, {{"a", {{"b", 1}}}}},
      {{{"a", {1, 2, 3}}}, {{"a", {1, 2}}}},
      {{{"a", {{"b", 1}}}}, {{"a", "text"}}},
      {{{"a", "text"}}, {{"a", {{"b", 1}}}}},
      {{{"a", {{"b", 1}}}}, json::object()},
  };
  for (const auto& [before, after] : table) {
    const auto patch = merge_patch_between(before, after);
    ASSERT_TRUE(patch) << before << " " << after;
    json patched = before;
    patched.merge_patch(*patch);
    EXPECT_EQ(patched, after) << *patch;
  }
}

TEST(MergePatch, names_only_what_differs) {
  const auto patch = merge_patch_between({{"same", 1}, {"inner", {{"same", 1}, {"other", 2}}}},
                                         {{"same", 1}, {"inner", {{"same", 1}, {"other", 3}}}});
  ASSERT_TRUE(patch);
  EXPECT_EQ(*patch, (json{{"inner", {{"other", 3}}}}));
}

TEST(MergePatch, sends_of_a_first_status_what_its_members_say_by_default_too) {
  const json conditions = json::array({{{"type", "Ready"}}});
  const json first = {{"level", "Green"}, {"conditions", conditions}};
  EXPECT_EQ(status_patch_between({{"level", "Green"}}, first), first);
  EXPECT_EQ(status_patch_between({{"level", "Green"}, {"conditions", json::array()}}, first), first);
  EXPECT_EQ(status_patch_between(first, {{"level", "Red"}, {"conditions", conditions}}), (json{{"level", "Red"}}));
  EXPECT_FALSE(status_patch_between(first, first));
}

}  // namespace
}  // namespace headroom::runtime
