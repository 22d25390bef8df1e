#include "operator/controllers/overrides.h"

#include <gtest/gtest.h>

#include <ostream>

namespace headroom::controllers {

void PrintTo(const Size& size, std::ostream* out) {
  const auto text = [](const std::optional<int>& value) { return value ? std::to_string(*value) : std::string("-"); };
  *out << "{" << text(size.min) << ", " << text(size.max) << "}";
}

namespace {

const absl::Time kWritten = absl::FromUnixSeconds(1'793'808'000);

OriginalRecord a_record(Size original, Size written, std::optional<Size> former = std::nullopt) {
  return {"uid-1", original, written, former, kWritten, "shop/web"};
}

SizeObservation an_object(Size now) {
  SizeObservation observation;
  observation.uid = "uid-1";
  observation.now = now;
  return observation;
}

struct Edit {
  const char* what;
  OriginalRecord record;
  Size now;
  std::optional<int> in_force;  ///< of the status
  const char* uid;
  Size original;
  bool held, foreign_edit, new_original;
};

TEST(ResolveOwnership, follows_the_annotation_and_takes_only_foreign_values_for_originals) {
  const Edit table[] = {
      {"our value stands", a_record({10, 100}, {60, 100}), {60, 100}, 60, "uid-1", {10, 100}, true, false, false},
      {"a new minimum is the new original, the maximum's stays",
       a_record({10, 100}, {60, 200}),
       {20, 200},
       60,
       "uid-1",
       {20, 100},
       true,
       true,
       true},
      {"a new maximum never makes our minimum an original",
       a_record({10, 100}, {60, 100}),
       {60, 120},
       60,
       "uid-1",
       {10, 120},
       true,
       true,
       true},
      {"the original found again was put back by somebody",
       a_record({10, 100}, {60, 200}),
       {10, 100},
       60,
       "uid-1",
       {10, 100},
       true,
       true,
       false},
      {"one bound put back, one ours",
       a_record({10, 100}, {60, 200}),
       {60, 100},
       60,
       "uid-1",
       {10, 100},
       true,
       true,
       false},
      {"a crash before /scale was written leaves the original standing",
       a_record({3, {}}, {5, {}}, Size{3, {}}),
       {3, {}},
       std::nullopt,
       "uid-1",
       {3, {}},
       true,
       false,
       false},
      {"a crash on the second step leaves the first standing",
       a_record({3, {}}, {7, {}}, Size{5, {}}),
       {5, {}},
       5,
       "uid-1",
       {3, {}},
       true,
       false,
       false},
      {"a crash on the way down leaves the higher size standing",
       a_record({3, {}}, {4, {}}, Size{5, {}}),
       {5, {}},
       5,
       "uid-1",
       {3, {}},
       true,
       false,
       false},
      {"the former value after ours had landed is somebody's, yet no original",
       a_record({3, {}}, {4, {}}, Size{5, {}}),
       {5, {}},
       4,
       "uid-1",
       {3, {}},
       true,
       true,
       false},
      {"the original after ours had landed was put back",
       a_record({3, {}}, {5, {}}, Size{3, {}}),
       {3, {}},
       5,
       "uid-1",
       {3, {}},
       true,
       true,
       false},
      {"a value nobody knows, in the crash window too",
       a_record({3, {}}, {5, {}}, Size{3, {}}),
       {4, {}},
       std::nullopt,
       "uid-1",
       {4, {}},
       true,
       true,
       true},
      {"a copy restored elsewhere with our value keeps the originals",
       a_record({10, 100}, {60, 100}),
       {60, 100},
       60,
       "uid-2",
       {10, 100},
       true,
       false,
       false},
      {"a copy with our minimum and a new maximum keeps what is ours",
       a_record({10, 100}, {60, 100}),
       {60, 150},
       60,
       "uid-2",
       {10, 150},
       true,
       true,
       true},
      {"a recreated object with other values gets fresh originals",
       a_record({10, 100}, {60, 100}),
       {12, 100},
       60,
       "uid-2",
       {12, 100},
       false,
       false,
       false},
      {"a recreated object whose untouched maximum is alike is no copy",
       a_record({10, 100}, {60, 100}),
       {10, 100},
       60,
       "uid-2",
       {10, 100},
       false,
       false,
       false},
      {"a field that was absent and is absent again was put back",
       a_record({{}, 100}, {60, 100}),
       {{}, 100},
       60,
       "uid-1",
       {{}, 100},
       true,
       true,
       false},
      {"a field that somebody removed was absent from now on",
       a_record({10, 100}, {60, 100}),
       {{}, 100},
       60,
       "uid-1",
       {{}, 100},
       true,
       true,
       true},
  };
  for (const Edit& row : table) {
    SizeObservation observation = an_object(row.now);
    observation.uid = row.uid;
    observation.annotation = row.record;
    observation.status_in_force = row.in_force;
    const Ownership ownership = resolve_ownership(observation);
    EXPECT_EQ(ownership.original, row.original) << row.what;
    EXPECT_EQ(ownership.held, row.held) << row.what;
    EXPECT_EQ(ownership.foreign_edit, row.foreign_edit) << row.what;
    EXPECT_EQ(ownership.new_original, row.new_original) << row.what;
    if (row.held) {
      EXPECT_EQ(ownership.written, row.record.written) << row.what;
    }
  }
}

TEST(ResolveOwnership, takes_what_it_finds_for_the_original_where_nothing_is_recorded) {
  const Ownership ownership = resolve_ownership(an_object({10, 100}));
  EXPECT_EQ(ownership.original, (Size{10, 100}));
  EXPECT_FALSE(ownership.held);
}

struct Stripped {
  const char* what;
  Size now;
  const char* uid;
  std::optional<int> in_force, max;
  Size original;
  bool held, foreign_edit;
};

TEST(ResolveOwnership, falls_back_on_the_status_when_the_annotation_was_stripped) {
  const Stripped table[] = {
      {"our value stands", {60, 100}, "uid-1", 60, 100, {10, 100}, true, false},
      {"our raised maximum too", {60, 200}, "uid-1", 60, 200, {10, 100}, true, false},
      {"a replace put the manifest's value back", {10, 100}, "uid-1", 60, 100, {10, 100}, true, true},
      {"a replace brought a new value", {25, 100}, "uid-1", 60, 100, {25, 100}, true, true},
      {"nothing is in force", {60, 100}, "uid-1", std::nullopt, 100, {60, 100}, false, false},
      {"the status speaks of another object", {60, 100}, "uid-2", 60, 100, {60, 100}, false, false},
  };
  for (const Stripped& row : table) {
    SizeObservation observation = an_object(row.now);
    observation.uid = row.uid;
    observation.status_originals = api::Originals{10, 100, "uid-1"};
    observation.status_in_force = row.in_force;
    observation.status_max = row.max;
    observation.status_since = kWritten;
    const Ownership ownership = resolve_ownership(observation);
    EXPECT_EQ(ownership.original, row.original) << row.what;
    EXPECT_EQ(ownership.held, row.held) << row.what;
    EXPECT_EQ(ownership.foreign_edit, row.foreign_edit) << row.what;
    if (row.held) {
      EXPECT_EQ(ownership.written_at, kWritten) << row.what;
    }
  }
}

TEST(ResolveOwnership, lets_the_annotation_win_over_the_status) {
  SizeObservation observation = an_object({60, 100});
  observation.annotation = a_record({10, 100}, {60, 100});
  observation.status_originals = api::Originals{40, 90, "uid-1"};
  observation.status_in_force = 60;
  EXPECT_EQ(resolve_ownership(observation).original, (Size{10, 100}));
}

TEST(OriginalAnnotation, reads_back_what_it_wrote) {
  const OriginalRecord records[] = {a_record({10, 100}, {60, 200}), a_record({3, {}}, {5, {}}, Size{3, {}}),
                                    a_record({{}, {}}, {40, 120}), a_record({{}, {}}, {{}, 150})};
  for (const OriginalRecord& record : records) {
    const auto read = record_from_annotation(to_annotation(record));
    ASSERT_TRUE(read) << to_annotation(record);
    EXPECT_EQ(read.value(), record) << to_annotation(record);
  }
}

TEST(OriginalAnnotation, is_one_stable_line) {
  EXPECT_EQ(to_annotation(a_record({10, 100}, {60, 100})),
            R"({"at":"2026-11-04T16:00:00Z","original":{"max":100,"min":10},"target":"shop/web","uid":"uid-1","v":1,)"
            R"("written":{"max":100,"min":60}})");
}

TEST(OriginalAnnotation, reads_fields_of_later_versions_as_long_as_the_format_is_known) {
  const auto read = record_from_annotation(
      R"({"v":1,"uid":"u","original":{"min":1,"note":"x"},"written":{"min":2},"at":"2026-11-05T00:00:00Z",)"
      R"("target":"shop/web","future":{"a":[1]}})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().original, (Size{1, {}}));
}

TEST(OriginalAnnotation, refuses_what_it_cannot_trust_and_says_what_to_do) {
  const char* const table[] = {
      "",
      "garbage",
      "[]",
      "null",
      "{}",
      R"({"v":2,"uid":"u","original":{"min":1},"written":{"min":2},"at":"2026-11-05T00:00:00Z","target":"a/b"})",
      R"({"v":1,"original":{"min":1},"written":{"min":2},"at":"2026-11-05T00:00:00Z","target":"a/b"})",
      R"({"v":1,"uid":"u","written":{"min":2},"at":"2026-11-05T00:00:00Z","target":"a/b"})",
      R"({"v":1,"uid":"u","original":{"min":1},"at":"2026-11-05T00:00:00Z","target":"a/b"})",
      R"({"v":1,"uid":"u","original":{"min":"1"},"written":{"min":2},"at":"2026-11-05T00:00:00Z","target":"a/b"})",
      R"({"v":1,"uid":"u","original":{"min":-1},"written":{"min":2},"at":"2026-11-05T00:00:00Z","target":"a/b"})",
      R"({"v":1,"uid":"u","original":{"min":1e99},"written":{"min":2},"at":"2026-11-05T00:00:00Z","target":"a/b"})",
      R"({"v":1,"uid":"u","original":{"min":1},"written":{"min":2},"at":"yesterday","target":"a/b"})",
      R"({"v":1,"uid":"u","original":{"min":1},"written":{"min":2},"at":"2026-11-05T00:00:00Z"})",
      R"({"v":1,"uid":"u","original":{"min":1},"written":{"min":2},"at":"2026-11-05T00:00:00Z","target":"a/b")",
  };
  for (const char* text : table) {
    const auto read = record_from_annotation(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, ErrorCode::InvalidArgument) << text;
    EXPECT_NE(read.error().message.find("remove it"), std::string::npos) << read.error().message;
  }
  EXPECT_FALSE(record_from_annotation("{\"v\":1," + std::string(100'000, ' ')));
}

}  // namespace
}  // namespace headroom::controllers
