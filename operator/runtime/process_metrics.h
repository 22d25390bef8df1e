// The process_* metrics that Prometheus' own client libraries export, read from /proc: CPU, memory, open files, start.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "operator/runtime/metrics.h"

namespace headroom::runtime {

/// What /proc/self/stat says, in seconds and bytes.
struct ProcessUsage {
  double cpu_seconds = 0;
  double started = 0;  ///< seconds since boot
  double virtual_bytes = 0, resident_bytes = 0;
};

/// Empty when `stat` is not what proc(5) describes. Pure.
std::optional<ProcessUsage> parse_process_stat(std::string_view stat, long ticks_per_second, long page_bytes);

/// Registers process_cpu_seconds_total and its companions, fresh in every serialize() until the handle dies. What /proc
/// does not offer is left out.
[[nodiscard]] std::shared_ptr<void> export_process_metrics(Metrics& metrics);

/// headroom_build_info, always 1: which program this is, "operator" or "webhook", and its version. What is asked of one
/// program alone is asked of the processes that have it.
void set_build_info(Metrics& metrics, const std::string& component);

}  // namespace headroom::runtime
