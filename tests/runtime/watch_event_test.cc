#include "operator/runtime/watch_event.h"

#include <gtest/gtest.h>

#include "tests/runtime/objects.h"

namespace headroom::runtime {
namespace {

TEST(WatchEvent, reads_additions_and_modifications_alike_with_their_version) {
  for (const char* type : {"ADDED", "MODIFIED"}) {
    const Result<WatchEvent> event = decode_watch_event(watch_line(type, thing_object("cart", "71", 5)));
    ASSERT_TRUE(event) << event.error().message;
    const auto* applied = std::get_if<ObjectApplied>(&event.value());
    ASSERT_NE(applied, nullptr) << type;
    EXPECT_EQ(applied->at, "71");
    EXPECT_EQ(applied->object.at("data").at("value"), 5);
  }
}

TEST(WatchEvent, reads_deletions_and_bookmarks) {
  const Result<WatchEvent> deleted = decode_watch_event(watch_line("DELETED", thing_object("cart", "72")));
  ASSERT_TRUE(deleted);
  EXPECT_EQ(std::get<ObjectDeleted>(deleted.value()).at, "72");
  const Result<WatchEvent> bookmark = decode_watch_event(bookmark_line("80"));
  ASSERT_TRUE(bookmark);
  EXPECT_EQ(std::get<Bookmark>(bookmark.value()).at, "80");
}

enum class Means { Relist, RetryWatch, Gone };

Means meaning(const WatchInput& input) {
  if (std::holds_alternative<Gone>(input)) return Means::Gone;
  return std::get<WatchFailed>(input).unclassified ? Means::Relist : Means::RetryWatch;
}

TEST(WatchEvent, tells_what_a_status_in_the_stream_means) {
  struct Row {
    int code;
    const char* reason;
    Means means;
  };
  const Row table[] = {
      {410, "Expired", Means::Gone},
      {410, "Gone", Means::Gone},
      {0, "Expired", Means::Gone},
      {429, "TooManyRequests", Means::RetryWatch},
      {503, "ServiceUnavailable", Means::RetryWatch},
      {504, "Timeout", Means::RetryWatch},
      {500, "InternalError", Means::Relist},
      {403, "Forbidden", Means::Relist},
      {0, "", Means::Relist},
  };
  for (const Row& row : table) {
    const Result<WatchEvent> event = decode_watch_event(error_line(row.code, row.reason));
    ASSERT_TRUE(event);
    EXPECT_EQ(meaning(std::get<StatusReceived>(event.value()).input), row.means) << row.code << " " << row.reason;
  }
}

TEST(WatchEvent, passes_on_how_long_a_throttling_server_wants_to_be_left_alone) {
  const Result<WatchEvent> event = decode_watch_event(
      R"({"type":"ERROR","object":{"code":429,"reason":"TooManyRequests","details":{"retryAfterSeconds":7}}})");
  ASSERT_TRUE(event);
  const auto failure = std::get<WatchFailed>(std::get<StatusReceived>(event.value()).input);
  EXPECT_EQ(failure.retry_after, std::chrono::seconds(7));
}

TEST(WatchEvent, refuses_every_line_that_cannot_be_trusted) {
  const std::string deep = R"({"type":"ADDED","object":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  const std::string lines[] = {
      "",
      "not json",
      "[]",
      "\"ADDED\"",
      R"({"type":"ADDED"})",
      R"({"type":"ADDED","object":null})",
      R"({"type":"ADDED","object":[]})",
      R"({"type":"ADDED","object":{}})",
      R"({"type":"ADDED","object":{"metadata":7}})",
      R"({"type":"ADDED","object":{"metadata":{"name":"a"}}})",
      R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":""}}})",
      R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":5}}})",
      R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"5"}}})",
      R"({"type":"BOOKMARK","object":{"metadata":{}}})",
      R"({"type":"added","object":{"metadata":{"name":"a","resourceVersion":"5"}}})",
      R"({"type":7,"object":{"metadata":{"name":"a","resourceVersion":"5"}}})",
      R"({"object":{"metadata":{"name":"a","resourceVersion":"5"}}})",
      R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"5"}}})"
      "{}",
      R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"5")",
      R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"5"},"n":1e999}})",
      "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\xff\",\"resourceVersion\":\"5\"}}}",
      deep,
  };
  for (const std::string& line : lines) {
    const Result<WatchEvent> event = decode_watch_event(line);
    ASSERT_FALSE(event) << line.substr(0, 100);
    EXPECT_EQ(meaning(watch_failure(event.error())), Means::Relist) << line.substr(0, 100);
  }
}

TEST(WatchEvent, counts_only_brackets_outside_strings_as_depth) {
  nlohmann::json object = thing_object("cart", "1");
  object["data"]["text"] = std::string(2000, '[') + "\\\"" + std::string(2000, '{');
  EXPECT_TRUE(decode_watch_event(watch_line("ADDED", object)));
}

TEST(WatchEvent, tells_a_peer_that_is_away_from_one_that_answered_something_unforeseen) {
  struct Row {
    ErrorCode code;
    Means means;
  };
  const Row table[] = {
      {ErrorCode::Gone, Means::Gone},
      {ErrorCode::Unavailable, Means::RetryWatch},
      {ErrorCode::TooManyRequests, Means::RetryWatch},
      {ErrorCode::Timeout, Means::RetryWatch},
      {ErrorCode::Unauthorized, Means::Relist},
      {ErrorCode::Forbidden, Means::Relist},
      {ErrorCode::NotFound, Means::Relist},
      {ErrorCode::InvalidArgument, Means::Relist},
      {ErrorCode::Internal, Means::Relist},
  };
  for (const Row& row : table) {
    EXPECT_EQ(meaning(watch_failure(Error{row.code, "", 0, {}})), row.means) << to_string(row.code);
  }
  const auto throttled =
      std::get<WatchFailed>(watch_failure(Error{ErrorCode::TooManyRequests, "", 429, std::chrono::milliseconds(1500)}));
  EXPECT_EQ(throttled.retry_after, std::chrono::milliseconds(1500));
  EXPECT_TRUE(list_failure(Error{ErrorCode::Gone, "", 410, {}}).gone);
  EXPECT_FALSE(list_failure(Error{ErrorCode::Unavailable, "", 503, {}}).gone);
}

}  // namespace
}  // namespace headroom::runtime
