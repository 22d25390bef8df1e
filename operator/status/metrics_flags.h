// The flags by which a program is told how to serve /metrics, the same for all programs.
#pragma once

#include <string>

#include "operator/base/result.h"
#include "operator/runtime/metrics_serving.h"

namespace CLI {
class App;
}

namespace headroom::status {

/// Outlives the parsing of what it was added to.
class MetricsFlags {
 public:
  void add_to(CLI::App& app);
  /// After the parsing. Errors name the flag, the value and the remedy.
  Result<runtime::MetricsServing> serving() const;

 private:
  std::string listen_, certificate_directory_;
  bool secure_ = true;
};

}  // namespace headroom::status
