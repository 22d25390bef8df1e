#include "tests/support/test_monitoring.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "tests/support/hack_script.h"

namespace headroom::testing {
namespace {

// The exporter may have to be built first.
constexpr std::chrono::minutes kLongestCommand{10};

std::string hack_prometheus(std::vector<std::string> arguments) {
  return run_hack("prometheus", std::move(arguments), kLongestCommand);
}

/// The value of a line "NAME=value".
std::string value_of(const std::string& lines, const std::string& name) {
  const std::size_t at = ("\n" + lines).find("\n" + name + "=");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 1;
  return lines.substr(begin, lines.find('\n', begin) - begin);
}

}  // namespace

TestMonitoring::TestMonitoring(std::string name, With with, const std::vector<std::string>& more)
    : name_(std::move(name)) {
  folder_ = std::filesystem::temp_directory_path() / ("headroom-" + name_ + "-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder_);
  set_metrics("started 1\n");
  std::vector<std::string> arguments = {"up", name_, "--metrics", folder_ / "metrics"};
  if (with == With::Alertmanager) arguments.emplace_back("--alertmanager");
  arguments.insert(arguments.end(), more.begin(), more.end());
  const std::string lines = hack_prometheus(arguments);
  prometheus_url_ = value_of(lines, "PROMETHEUS_URL");
  alertmanager_url_ = value_of(lines, "ALERTMANAGER_URL");
}

TestMonitoring::~TestMonitoring() {
  hack_prometheus({"down", name_});
  std::filesystem::remove_all(folder_);
}

void TestMonitoring::set_metrics(const std::string& text) const {
  std::ofstream(folder_ / "next") << text;
  std::filesystem::rename(folder_ / "next", folder_ / "metrics");
}

void TestMonitoring::remove_metrics() const { std::filesystem::remove(folder_ / "metrics"); }

void TestMonitoring::stop(const std::string& component) const { hack_prometheus({"stop", name_, component}); }

void TestMonitoring::start(const std::string& component) const { hack_prometheus({"start", name_, component}); }

}  // namespace headroom::testing
