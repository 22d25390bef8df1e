#include "operator/runtime/stored_status.h"

#include <gtest/gtest.h>

namespace headroom::runtime {
namespace {

class StoredStatusTest : public testing::Test {
 protected:
  void land(const std::string& status, const std::string& over, const std::string& version) {
    stored_.landed(std::make_shared<const std::string>(status), over, version);
  }
  StoredStatus<std::string> stored_;
};

TEST_F(StoredStatusTest, believes_the_cache_until_something_was_written) {
  EXPECT_EQ(stored_.base("cached"), "cached");
  EXPECT_EQ(stored_.version("7"), "7");
  stored_.shown("7");
  EXPECT_EQ(stored_.base("cached"), "cached");
}

TEST_F(StoredStatusTest, builds_on_its_own_writes_while_the_cache_passes_through_them) {
  land("first", "7", "8");
  land("second", "8", "9");
  for (const char* behind : {"7", "8"}) {
    stored_.shown(behind);
    EXPECT_EQ(stored_.base("cached"), "second");
    EXPECT_EQ(stored_.version(behind), "9");
  }
}

TEST_F(StoredStatusTest, believes_the_cache_that_shows_its_write) {
  land("ours", "7", "8");
  stored_.shown("8");
  EXPECT_EQ(stored_.base("cached"), "cached");
  EXPECT_EQ(stored_.version("8"), "8");
}

TEST_F(StoredStatusTest, believes_the_cache_that_shows_what_others_wrote_since) {
  land("ours", "7", "8");
  stored_.shown("12");
  EXPECT_EQ(stored_.base("theirs"), "theirs");
  EXPECT_EQ(stored_.version("12"), "12");
}

TEST_F(StoredStatusTest, forgets_what_it_passed_through_with_what_it_wrote) {
  land("ours", "7", "8");
  stored_.forget();
  land("again", "9", "10");
  stored_.shown("7");
  EXPECT_EQ(stored_.base("cached"), "cached") << "7 lies not between 9 and 10: the server went back";
}

}  // namespace
}  // namespace headroom::runtime
