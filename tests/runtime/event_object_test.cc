#include "operator/runtime/event_object.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace headroom::runtime {
namespace {

EventRecord a_record() {
  return {{"headroom.dev/v1alpha1", "ScaleTarget", {"shop", "cart"}, "uid-1"},
          {EventText::Type::Normal, "Scaled", "Scale", "minReplicas 10 -> 60 for diwali"},
          absl::FromUnixMicros(1'700'000'000'000'001),
          absl::FromUnixMicros(1'700'000'000'000'001),
          1};
}

TEST(EventObject, says_everything_that_the_api_server_requires) {
  const nlohmann::json event = event_object(a_record(), {"headroom.dev/operator", "headroom-operator-0"});
  EXPECT_EQ(event["apiVersion"], "events.k8s.io/v1");
  EXPECT_EQ(event["metadata"]["namespace"], "shop");
  EXPECT_EQ(event["eventTime"], "2023-11-14T22:13:20.000001Z");
  EXPECT_EQ(event["reportingController"], "headroom.dev/operator");
  EXPECT_EQ(event["reportingInstance"], "headroom-operator-0");
  EXPECT_EQ(event["type"], "Normal");
  EXPECT_EQ(event["reason"], "Scaled");
  EXPECT_EQ(event["action"], "Scale");
  EXPECT_EQ(event["note"], "minReplicas 10 -> 60 for diwali");
  EXPECT_EQ(event["regarding"], (nlohmann::json{{"apiVersion", "headroom.dev/v1alpha1"},
                                                {"kind", "ScaleTarget"},
                                                {"namespace", "shop"},
                                                {"name", "cart"},
                                                {"uid", "uid-1"}}));
  EXPECT_FALSE(event.contains("series")) << "a series has at least two";
}

TEST(EventObject, puts_events_about_cluster_scoped_objects_into_namespace_default) {
  EventRecord record = a_record();
  record.subject.key = {"", "west"};
  const nlohmann::json event = event_object(record, {"headroom.dev/operator", "i"});
  EXPECT_EQ(event["metadata"]["namespace"], "default");
  EXPECT_FALSE(event["regarding"].contains("namespace"));
}

TEST(EventObject, carries_the_series_of_what_repeated_before_it_was_written) {
  EventRecord record = a_record();
  record.count = 3;
  record.last = record.first + absl::Seconds(5);
  const nlohmann::json series = {{"count", 3}, {"lastObservedTime", "2023-11-14T22:13:25.000001Z"}};
  EXPECT_EQ(event_object(record, {"headroom.dev/operator", "i"})["series"], series);
  EXPECT_EQ(series_patch(record), (nlohmann::json{{"series", series}}));
}

TEST(EventObject, has_a_name_that_depends_on_all_it_says_and_on_nothing_else) {
  const std::string name = event_name(a_record(), "i");
  EXPECT_EQ(name.size(), std::string("cart").size() + 17);
  EXPECT_TRUE(name.starts_with("cart."));
  EXPECT_EQ(event_name(a_record(), "i"), name);
  EventRecord repeated = a_record();
  repeated.count = 7;
  repeated.last += absl::Seconds(1);
  EXPECT_EQ(event_name(repeated, "i"), name) << "a series keeps its name";

  std::set<std::string> names{name, event_name(a_record(), "another instance")};
  std::vector<EventRecord> others(8, a_record());
  others[0].first += absl::Nanoseconds(1);
  others[1].text.note += ".";
  others[2].text.reason = "Restored";
  others[3].text.action = "Restore";
  others[4].text.type = EventText::Type::Warning;
  others[5].subject.uid = "uid-2";
  others[6].subject.key.ns = "bank";
  others[7].subject.kind = "FestivalSchedule";
  for (const EventRecord& other : others) names.insert(event_name(other, "i"));
  EXPECT_EQ(names.size(), 10u);
}

TEST(EventObject, keeps_its_name_within_what_a_name_may_be) {
  EventRecord record = a_record();
  record.subject.key.name = std::string(235, 'a') + "." + std::string(17, 'b');
  const std::string name = event_name(record, "i");
  EXPECT_LE(name.size(), 253u);
  EXPECT_EQ(name.find(".."), std::string::npos) << name;
}

TEST(BoundedText, cuts_between_characters_and_repairs_what_is_no_text) {
  struct Row {
    const char* what;
    std::string text;
    std::size_t limit;
    std::string bounded;
  };
  const Row table[] = {
      {"short", "abc", 5, "abc"},
      {"exact", "abcde", 5, "abcde"},
      {"long", "abcdef", 5, "abcde"},
      {"two bytes at the edge", "abcd\u00e9", 5, "abcd"},
      {"three bytes at the edge", "ab\u20ac\u20ac", 7, "ab\u20ac"},
      {"four bytes fit", "a\U0001F680", 5, "a\U0001F680"},
      {"four bytes at the edge", "ab\U0001F680", 5, "ab"},
      {"a lone continuation byte", "a\x80z", 9, "a\uFFFDz"},
      {"a cut sequence", "a\xE2\x82", 9, "a\uFFFD\uFFFD"},
      {"overlong", "\xC0\xAF", 9, "\uFFFD\uFFFD"},
      {"a surrogate", "\xED\xA0\x80", 9, "\uFFFD\uFFFD\uFFFD"},
      {"beyond Unicode", "\xF4\x90\x80\x80", 12, "\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"no room for the repair", "abc\x80", 5, "abc"},
      {"nothing", "", 5, ""},
  };
  for (const Row& row : table) {
    const std::string bounded = bounded_text(row.text, row.limit);
    EXPECT_EQ(bounded, row.bounded) << row.what;
    EXPECT_NO_THROW(nlohmann::json(bounded).dump()) << row.what;
  }
}

TEST(BoundedEvent, fills_in_what_the_server_requires_and_cuts_what_it_refuses) {
  const EventText text = bounded_event({EventText::Type::Normal, std::string(200, 'r'), "", std::string(2000, 'n')});
  EXPECT_EQ(text.reason.size(), 128u);
  EXPECT_EQ(text.action, text.reason);
  EXPECT_EQ(text.note.size(), 1024u);
  EXPECT_EQ(bounded_event({}).reason, "Unknown");
}

}  // namespace
}  // namespace headroom::runtime
