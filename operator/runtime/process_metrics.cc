#include "operator/runtime/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

namespace headroom::runtime {
namespace {

std::string content_of(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  for (std::size_t begin = text.find_first_not_of(" \n"); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(" \n", begin), text.size());
    found.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(" \n", end);
  }
  return found;
}

std::optional<double> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return static_cast<double>(value);
}

/// Seconds since the epoch at which the machine started; 0 when unknown.
double boot_time() {
  const std::string stat = content_of("/proc/stat");
  const std::size_t line = stat.find("\nbtime ");
  if (line == std::string::npos) return 0;
  const std::size_t begin = line + 7;
  return number(std::string_view(stat).substr(begin, stat.find('\n', begin) - begin)).value_or(0);
}

std::optional<double> open_files() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end; it.increment(error)) {
    ++count;
  }
  if (error) return std::nullopt;
  return count;
}

}  // namespace

std::optional<ProcessUsage> parse_process_stat(std::string_view stat, long ticks_per_second, long page_bytes) {
  // The second field is the program's name in parentheses, which may hold spaces and parentheses of its own.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  const std::vector<std::string_view> fields = words(stat.substr(name_end + 1));
  constexpr std::size_t kThird = 3;  // proc(5) counts from one, and two are behind us
  if (fields.size() <= 24 - kThird) return std::nullopt;
  const auto field = [&](std::size_t at) { return number(fields[at - kThird]); };
  const auto user = field(14), system = field(15), start = field(22), virtual_size = field(23), resident = field(24);
  if (!user || !system || !start || !virtual_size || !resident) return std::nullopt;
  const auto ticks = static_cast<double>(ticks_per_second);
  return ProcessUsage{(*user + *system) / ticks, *start / ticks, *virtual_size,
                      *resident * static_cast<double>(page_bytes)};
}

std::shared_ptr<void> export_process_metrics(Metrics& metrics) {
  return metrics.before_serialize([&metrics, booted = boot_time(), counted = 0.0]() mutable {
    if (const auto usage =
            parse_process_stat(content_of("/proc/self/stat"), sysconf(_SC_CLK_TCK), sysconf(_SC_PAGESIZE))) {
      metrics.add("process_cpu_seconds_total", "CPU time used, in user and system mode.", {},
                  usage->cpu_seconds - counted);
      counted = usage->cpu_seconds;
      metrics.set("process_virtual_memory_bytes", "Virtual memory.", {}, usage->virtual_bytes);
      metrics.set("process_resident_memory_bytes", "Resident memory.", {}, usage->resident_bytes);
      if (booted > 0) {
        metrics.set("process_start_time_seconds", "When the process started, in seconds since the epoch.", {},
                    booted + usage->started);
      }
    }
    if (const auto files = open_files()) {
      metrics.set("process_open_fds", "Open file descriptors.", {}, *files);
    }
    if (rlimit limit{}; getrlimit(RLIMIT_NOFILE, &limit) == 0) {
      metrics.set("process_max_fds", "File descriptors that may be open.", {}, static_cast<double>(limit.rlim_cur));
    }
  });
}

void set_build_info(Metrics& metrics, const std::string& component) {
  metrics.set("headroom_build_info", "Program and version, always 1",
              {{"component", component}, {"version", HEADROOM_VERSION}}, 1);
}

}  // namespace headroom::runtime
