// Whether a set of objects would fit under limits, judged as the webhook judges writes. Pure.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/scale_limit.h"

namespace headroom::cli {

/// One object that is to be stored.
struct PlannedWrite {
  const nlohmann::json* object = nullptr;    ///< borrowed for the call
  const nlohmann::json* existing = nullptr;  ///< what is stored under its name; null: it is created
  std::string group, version, resource;      ///< "apps", "v1", "deployments"
};

struct LimitCheck {
  /// One dimension that the objects add to.
  struct Row {
    const api::ScaleLimit* limit = nullptr;
    std::string dimension;
    std::optional<Quantity> used;  ///< stored and held now; absent where it is not known, and counted as 0
    Quantity adds, hard;
    QuantityFormat format = QuantityFormat::DecimalSI;
    bool fits = true;
  };
  /// One object that would be refused by itself.
  struct Refusal {
    std::string object, message;  ///< "Deployment shop/web"
    bool enforced = true;         ///< false: the limit only warns or audits
  };
  std::vector<Row> rows;  ///< by limit
  std::vector<Refusal> refusals;
  int matched = 0;  ///< objects that some limit matches
  bool fits() const;
};

/// Labels of namespaces, for limits that select by them.
using NamespaceLabels = std::map<std::string, std::map<std::string, std::string>>;

/// `switch_is_on` is asked for deny rules. Rates and numbers of writes at once depend on when the objects are written;
/// they are not judged.
LimitCheck check_limits(const std::vector<api::ScaleLimit>& limits, const std::vector<PlannedWrite>& writes,
                        const NamespaceLabels& namespaces,
                        const std::function<bool(const api::SwitchCondition&)>& switch_is_on);

/// "deployments" of "Deployment", by the rules that kinds of Kubernetes are named by; for where nobody can be asked.
std::string plural_of(const std::string& kind);

}  // namespace headroom::cli
