#include "operator/runtime/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/runtime/event_series.h"
#include "tests/runtime/eventually.h"
#include "tests/runtime/fake_writer.h"
#include "tests/runtime/stopwatch.h"

namespace headroom::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

Error failure(ErrorCode code) { return Error{code, "no", 0, {}}; }

EventSubject subject(const std::string& name = "cart") {
  return {"headroom.dev/v1alpha1", "ScaleTarget", {"shop", name}, "uid-1"};
}
const EventText kScaled{EventText::Type::Normal, "Scaled", "Scale", "minReplicas 10 -> 60"};

class EventsTest : public testing::Test {
 protected:
  bool wrote(std::size_t times) {
    return eventually([&] { return writer_->writes().size() >= times; });
  }
  SystemClock clock_;
  Metrics metrics_;
  std::shared_ptr<FakeWriter> writer_ = std::make_shared<FakeWriter>();
  ApiEventRecorder recorder_{writer_, {"headroom.dev/operator", "operator-0"}, clock_, metrics_, milliseconds(0)};
};

TEST_F(EventsTest, creates_an_event_and_makes_its_repeats_a_series) {
  recorder_.record(subject(), kScaled);
  ASSERT_TRUE(wrote(1));
  recorder_.record(subject(), kScaled);
  ASSERT_TRUE(wrote(2));
  recorder_.record(subject(), kScaled);
  recorder_.stop(seconds(20));
  const auto writes = writer_->writes();
  ASSERT_EQ(writes.size(), 3u);
  EXPECT_EQ(writes[0].verb, "create");
  EXPECT_EQ(writes[0].body["note"], "minReplicas 10 -> 60");
  EXPECT_EQ(writes[1].verb, "patch");
  EXPECT_EQ(writes[1].key, writes[0].key);
  EXPECT_EQ(writes[1].body["series"]["count"], 2);
  EXPECT_EQ(writes[2].body["series"]["count"], 3) << "the last repeats are written at the end";
  EXPECT_THAT(metrics_.serialize(), HasSubstr("headroom_events_total{written=\"series\"} 2"));
}

TEST_F(EventsTest, takes_an_event_that_exists_already_for_written) {
  writer_->fail_next(failure(ErrorCode::AlreadyExists));
  recorder_.record(subject(), kScaled);
  ASSERT_TRUE(wrote(1));
  recorder_.record(subject(), kScaled);
  ASSERT_TRUE(wrote(2));
  EXPECT_EQ(writer_->writes()[1].verb, "patch");
}

TEST_F(EventsTest, creates_an_event_anew_that_is_gone_when_its_series_is_to_be_patched) {
  recorder_.record(subject(), kScaled);
  ASSERT_TRUE(wrote(1));
  writer_->fail_next(failure(ErrorCode::NotFound));
  recorder_.record(subject(), kScaled);
  ASSERT_TRUE(wrote(3));
  const auto writes = writer_->writes();
  EXPECT_EQ(writes[2].verb, "create");
  EXPECT_NE(writes[2].key, writes[0].key);
}

TEST_F(EventsTest, gives_up_at_once_what_a_retry_would_not_mend_and_goes_on) {
  writer_->fail_next(failure(ErrorCode::Forbidden));
  recorder_.record(subject("cart"), kScaled);
  recorder_.record(subject("search"), kScaled);
  ASSERT_TRUE(wrote(2));
  EXPECT_EQ(writer_->writes()[1].key.name.substr(0, 6), "search");
  EXPECT_TRUE(eventually([&] {
    return metrics_.serialize().find("headroom_events_dropped_total{reason=\"failed\"} 1") != std::string::npos;
  }));
}

TEST_F(EventsTest, tries_again_while_the_server_is_away) {
  writer_->fail_next(failure(ErrorCode::Unavailable));
  recorder_.record(subject(), kScaled);
  ASSERT_TRUE(wrote(2));
  recorder_.stop(seconds(20));
  EXPECT_EQ(writer_->writes()[1].key, writer_->writes()[0].key) << "under the same name, should the first have landed";
  EXPECT_THAT(metrics_.serialize(), HasSubstr("headroom_events_dropped_total{reason=\"failed\"} 0"));
}

TEST_F(EventsTest, never_blocks_who_records_and_counts_what_overflows) {
  writer_->block();
  recorder_.record(subject("first"), kScaled);
  ASSERT_TRUE(wrote(1));
  for (std::size_t i = 0; i < kMostWaiting + 10; ++i) recorder_.record(subject(std::to_string(i)), kScaled);
  EXPECT_THAT(metrics_.serialize(), HasSubstr("headroom_events_dropped_total{reason=\"overflow\"} 10"));
  writer_->allow();
  recorder_.stop(seconds(20));
  EXPECT_EQ(writer_->writes().size(), kMostWaiting + 1);
}

TEST_F(EventsTest, stops_at_the_end_of_its_drain_even_if_a_write_hangs) {
  writer_->block();
  recorder_.record(subject(), kScaled);
  ASSERT_TRUE(wrote(1));
  recorder_.stop(milliseconds(1));
  recorder_.record(subject("late"), kScaled);
  EXPECT_THAT(metrics_.serialize(), HasSubstr("headroom_events_dropped_total{reason=\"overflow\"} 1"));
  EXPECT_EQ(writer_->writes().size(), 1u);
}

TEST_F(EventsTest, does_not_wait_for_a_retry_when_it_stops) {
  writer_->fail_next(failure(ErrorCode::Unavailable));
  recorder_.record(subject(), kScaled);
  ASSERT_TRUE(wrote(1));
  const Stopwatch time;
  time.start();
  recorder_.stop(seconds(20));
  time.stop();
  EXPECT_LT(time.took(), milliseconds(900)) << "the first retry is a second away";
}

}  // namespace
}  // namespace headroom::runtime
