#include "operator/kube/response_inbox.h"

#include <gtest/gtest.h>

#include <string>

namespace headroom::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = ResponseInbox::Line::Kind;
using Waited = ResponseInbox::Waited;

SteadyTime soon() { return std::chrono::steady_clock::now() + seconds(10); }
SteadyTime past() { return std::chrono::steady_clock::now() - seconds(1); }

// True when the network was told to go on.
bool append(ResponseInbox& inbox, std::string_view bytes) {
  std::function<void()> resume = [] {};
  inbox.append(bytes, resume);
  return static_cast<bool>(resume);
}

ResponseInbox::Line next(ResponseInbox& inbox) { return inbox.next_line(milliseconds(0), {}); }

TEST(ResponseInbox, gathers_a_body) {
  ResponseInbox inbox(100, 0);
  inbox.begin(200, seconds(3));
  EXPECT_EQ(inbox.status(), 200);
  EXPECT_EQ(inbox.retry_after(), seconds(3));
  EXPECT_TRUE(append(inbox, "ab"));
  EXPECT_TRUE(append(inbox, "cd"));
  EXPECT_EQ(inbox.wait_for_end(past(), {}), Waited::TimedOut);
  inbox.end(std::nullopt);
  EXPECT_EQ(inbox.wait_for_end(past(), {}), Waited::Done);
  EXPECT_FALSE(inbox.failure());
  EXPECT_EQ(inbox.take_body(), "abcd");
}

TEST(ResponseInbox, ends_a_body_that_is_too_large_and_lets_the_network_run_on) {
  ResponseInbox inbox(10, 0);
  inbox.begin(200, {});
  EXPECT_TRUE(append(inbox, std::string(10, 'x')));
  EXPECT_EQ(inbox.wait_for_end(past(), {}), Waited::TimedOut);
  EXPECT_TRUE(append(inbox, "y"));
  EXPECT_EQ(inbox.wait_for_end(past(), {}), Waited::Done);
  EXPECT_EQ(inbox.failure()->stage, WireFailure::Stage::TooLarge);
  EXPECT_TRUE(append(inbox, "z"));
  inbox.end(std::nullopt);
  EXPECT_TRUE(inbox.failure()) << "the first end counts";
}

TEST(ResponseInbox, wakes_a_waiter_that_is_stopped) {
  ResponseInbox inbox(10, 0);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(inbox.wait_for_headers(soon(), stop.get_token()), Waited::Stopped);
  EXPECT_EQ(inbox.wait_for_end(soon(), stop.get_token()), Waited::Stopped);
  EXPECT_EQ(inbox.next_line(seconds(10), stop.get_token()).kind, Kind::Stopped);
}

TEST(ResponseInbox, prefers_to_stop_although_lines_are_here) {
  ResponseInbox inbox(10, 5);
  append(inbox, "a\n");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(inbox.next_line(seconds(10), stop.get_token()).kind, Kind::Stopped);
}

TEST(ResponseInbox, holds_the_network_back_above_its_mark_until_half_of_it_is_read) {
  ResponseInbox inbox(1000, 10);
  EXPECT_TRUE(append(inbox, "aaaa\nbbbb\n"));
  bool resumed = false;
  std::function<void()> resume = [&] { resumed = true; };
  inbox.append("c\n", resume);
  EXPECT_FALSE(resume) << "kept";
  EXPECT_EQ(next(inbox).text, "aaaa");
  EXPECT_FALSE(resumed);
  EXPECT_EQ(next(inbox).text, "bbbb");
  EXPECT_TRUE(resumed);
}

TEST(ResponseInbox, never_holds_the_network_back_from_the_rest_of_a_line) {
  ResponseInbox inbox(1000, 10);
  EXPECT_TRUE(append(inbox, std::string(100, 'x'))) << "not while there is no whole line";
  bool resumed = false;
  std::function<void()> resume = [&] { resumed = true; };
  inbox.append("\n" + std::string(100, 'y'), resume);
  EXPECT_FALSE(resumed);
  EXPECT_EQ(next(inbox).text, std::string(100, 'x'));
  EXPECT_TRUE(resumed) << "what is left is the beginning of a line";
}

TEST(ResponseInbox, refuses_an_endless_line) {
  ResponseInbox inbox(10, 5);
  append(inbox, "a\n" + std::string(11, 'x'));
  EXPECT_EQ(next(inbox).text, "a");
  EXPECT_EQ(next(inbox).kind, Kind::TooLong);
}

TEST(ResponseInbox, gives_all_whole_lines_before_the_failure_that_followed) {
  ResponseInbox inbox(100, 50);
  append(inbox, "a\nb\nhal");
  inbox.end(WireFailure{WireFailure::Stage::Body, 0, "broken"});
  EXPECT_EQ(next(inbox).text, "a");
  EXPECT_EQ(next(inbox).text, "b");
  EXPECT_EQ(next(inbox).kind, Kind::Failed);
  EXPECT_EQ(next(inbox).kind, Kind::Failed);
}

TEST(ResponseInbox, is_idle_when_nothing_comes) {
  ResponseInbox inbox(100, 50);
  EXPECT_EQ(next(inbox).kind, Kind::Idle);
  append(inbox, "no end of line");
  EXPECT_EQ(next(inbox).kind, Kind::Idle);
}

TEST(ResponseInbox, lets_the_network_go_when_it_is_abandoned) {
  ResponseInbox inbox(100, 1);
  bool resumed = false;
  std::function<void()> resume = [&] { resumed = true; };
  inbox.append("a\nb\n", resume);
  EXPECT_FALSE(resume);
  inbox.abandon();
  EXPECT_TRUE(resumed);
  EXPECT_TRUE(append(inbox, "more\n"));
  EXPECT_EQ(inbox.take_body(), "") << "thrown away";
}

TEST(ResponseInbox, splits_many_lines_the_same_way_whatever_pieces_they_come_in) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += std::string(static_cast<std::size_t>(i % 97), 'x') + std::to_string(i) + "\n";
  for (const std::size_t piece : {1U, 7U, 4096U, 1'000'000U}) {
    ResponseInbox inbox(1000, 1 << 20);
    int line = 0;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      append(inbox, std::string_view(text).substr(at, piece));
      for (auto read = next(inbox); read.kind == Kind::Text; read = next(inbox), ++line) {
        ASSERT_EQ(read.text, std::string(static_cast<std::size_t>(line % 97), 'x') + std::to_string(line));
      }
    }
    EXPECT_EQ(line, 60) << "in pieces of " << piece;
  }
}

}  // namespace
}  // namespace headroom::kube
