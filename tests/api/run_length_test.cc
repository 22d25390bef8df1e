#include "operator/api/run_length.h"

#include <gtest/gtest.h>

namespace headroom::api {
namespace {

TEST(RunLength, says_repeated_sizes_once) {
  EXPECT_EQ(run_length_text({30, 30, 30, 45, 30, 30}), "30*3 45 30*2");
  EXPECT_EQ(run_length_text({}), "");
}

TEST(RunLength, reads_what_it_wrote) {
  const std::vector<int> sizes = {0, 0, 7, 2'147'483'647, 7, 7, 7};
  EXPECT_EQ(parse_run_lengths(run_length_text(sizes), 720), sizes);
  EXPECT_EQ(parse_run_lengths("", 720), std::vector<int>());
}

TEST(RunLength, refuses_what_is_no_list_of_sizes) {
  for (const char* text : {"x", "3x", "3*", "3*0", "-3", "3*-2", "3*2*2", "3,4", "3  4", "99999999999", " 3"}) {
    EXPECT_FALSE(parse_run_lengths(text, 720)) << text;
  }
}

TEST(RunLength, never_makes_more_values_than_asked_for) {
  EXPECT_TRUE(parse_run_lengths("5*719 6", 720));
  EXPECT_FALSE(parse_run_lengths("5*720 6", 720));
  EXPECT_FALSE(parse_run_lengths("5*18446744073709551615", 720));
}

}  // namespace
}  // namespace headroom::api
