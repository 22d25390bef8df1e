// Judges manifests without a cluster, with the code of the operator and the webhook: schema and rules of the
// definitions, the readers of operator/api, the rules that need other objects, and the planner. Pure but for what
// Options brings.
#pragma once

#include <absl/time/time.h>

#include <functional>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/lint/report.h"
#include "operator/manifest/reader.h"

namespace headroom::lint {

struct Options {
  absl::Time now;  ///< dates before it have passed
  /// Loads an IANA zone.
  std::function<Result<absl::TimeZone>(const std::string& name)> zones;
  std::string default_namespace = "default";  ///< of namespaced objects that name none
  std::string own_namespace = "headroom-system";
  std::vector<std::string> excluded_namespaces = {"kube-system"};  ///< neither gated nor counted by limits
  bool notes = false;  ///< also what could not be judged: workloads that are not there, rules about changes
};

/// Judges every object of Headroom's kinds; others are looked at for what ours refer to.
Report lint(const manifest::ReadResult& manifests, const Options& options);

}  // namespace headroom::lint
