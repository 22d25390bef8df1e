#include "operator/runtime/process_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace headroom::runtime {
namespace {

using testing::HasSubstr;

TEST(ProcessMetrics, are_read_from_the_fields_that_proc_describes) {
  const std::string stat =
      "4711 (a (odd) name) S 1 4711 4711 0 -1 4194560 900 0 3 0 250 150 0 0 20 0 9 0 5000 104857600 2560 "
      "18446744073709551615 1 1 0 0 0 0 0 4096 17663 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
  const auto usage = parse_process_stat(stat, 100, 4096);
  ASSERT_TRUE(usage);
  EXPECT_DOUBLE_EQ(usage->cpu_seconds, 4);
  EXPECT_DOUBLE_EQ(usage->started, 50);
  EXPECT_DOUBLE_EQ(usage->virtual_bytes, 104857600);
  EXPECT_DOUBLE_EQ(usage->resident_bytes, 2560 * 4096);
}

TEST(ProcessMetrics, are_left_out_where_proc_says_something_else) {
  for (const char* stat : {"", "1 (x", "1 (x) S 1 2 3", "1 (x) S a b c d e f g h i j k l m n o p q r s t u v w x"}) {
    EXPECT_FALSE(parse_process_stat(stat, 100, 4096)) << stat;
  }
}

TEST(ProcessMetrics, tell_of_this_process) {
  Metrics metrics;
  const auto handle = export_process_metrics(metrics);
  const std::string text = metrics.serialize();
  for (const char* name :
       {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_virtual_memory_bytes ",
        "process_start_time_seconds ", "process_open_fds ", "process_max_fds "}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name));
  }
}

TEST(ProcessMetrics, tell_which_program_this_is) {
  Metrics metrics;
  set_build_info(metrics, "operator");
  EXPECT_THAT(metrics.serialize(), HasSubstr("\nheadroom_build_info{component=\"operator\",version=\""));
}

}  // namespace
}  // namespace headroom::runtime
