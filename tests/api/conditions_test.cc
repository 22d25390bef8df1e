#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/api/object.h"

namespace headroom::api {
namespace {

using nlohmann::json;

Condition ready(bool status, absl::Time at, const std::string& message = "") {
  return {"Ready", status, "Reason", message, 1, at};
}

const absl::Time kNoon = absl::FromUnixSeconds(1'793'000'000);

TEST(Conditions, keep_their_transition_time_while_the_status_stays) {
  std::vector<Condition> conditions;
  set_condition(conditions, ready(true, kNoon));
  set_condition(conditions, ready(true, kNoon + absl::Hours(1), "still"));

  ASSERT_EQ(conditions.size(), 1u);
  EXPECT_EQ(conditions[0].last_transition, kNoon);
  EXPECT_EQ(conditions[0].message, "still");
}

TEST(Conditions, move_their_transition_time_when_the_status_changes) {
  std::vector<Condition> conditions;
  set_condition(conditions, ready(true, kNoon));
  set_condition(conditions, ready(false, kNoon + absl::Hours(1)));

  ASSERT_EQ(conditions.size(), 1u);
  EXPECT_EQ(conditions[0].last_transition, kNoon + absl::Hours(1));
}

TEST(Conditions, are_found_and_removed_by_type) {
  std::vector<Condition> conditions;
  set_condition(conditions, ready(true, kNoon));
  set_condition(conditions, {"Capped", true, "Maximum", "", 1, kNoon});

  ASSERT_NE(find_condition(conditions, "Capped"), nullptr);
  EXPECT_EQ(find_condition(conditions, "Capped")->reason, "Maximum");
  remove_condition(conditions, "Capped");
  EXPECT_EQ(find_condition(conditions, "Capped"), nullptr);
  EXPECT_NE(find_condition(conditions, "Ready"), nullptr);
}

TEST(Conditions, have_messages_that_the_api_server_takes) {
  std::vector<Condition> conditions;
  set_condition(conditions, ready(true, kNoon, std::string(40'000, 'x')));
  EXPECT_EQ(conditions[0].message.size(), 32768u);
}

TEST(Conditions, are_never_cut_inside_a_character) {
  std::vector<Condition> conditions;
  set_condition(conditions, ready(true, kNoon, "x" + std::string(32'766, 'y') + "€€"));
  EXPECT_EQ(conditions[0].message.size(), 32767u);
}

TEST(Conditions, read_back_as_they_were_set) {
  std::vector<Condition> conditions;
  set_condition(conditions, ready(true, kNoon + absl::Milliseconds(300), "all well"));
  set_condition(conditions, {"Stalled", false, "Progressing", "", 4, kNoon});
  EXPECT_EQ(conditions_from_json(to_json(conditions)), conditions);
}

TEST(Conditions, are_written_as_metav1_has_them) {
  std::vector<Condition> conditions;
  set_condition(conditions, ready(false, absl::UnixEpoch(), "no"));
  EXPECT_EQ(to_json(conditions), json::parse(R"([{"type": "Ready", "status": "False", "reason": "Reason",
    "message": "no", "observedGeneration": 1, "lastTransitionTime": "1970-01-01T00:00:00Z"}])"));
}

TEST(Conditions, leave_out_what_is_malformed) {
  const json list = json::parse(R"([7, {}, {"type": 3}, {"type": "Ready", "status": "Unknown",
    "reason": null, "observedGeneration": "x", "lastTransitionTime": "noon"}])");
  const std::vector<Condition> conditions = conditions_from_json(list);
  ASSERT_EQ(conditions.size(), 1u);
  EXPECT_FALSE(conditions[0].status);
  EXPECT_TRUE(conditions_from_json(json::parse(R"({"type": "Ready"})")).empty());
}

}  // namespace
}  // namespace headroom::api
