// The webhook configurations that this replica has applied: by which the one that is stored is known again. No IO.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "operator/limits/limit_set.h"

namespace headroom::webhook {

/// Whether each entry of `applied` is stored with all that was applied of it, and nothing else that decides about
/// what the API server asks. What is of others, or was put in by the API server itself, is not looked at.
bool is_stored(const nlohmann::json& stored, const nlohmann::json& applied);

/// Names the match conditions of one entry, in whichever order they are.
std::size_t conditions_digest(const nlohmann::json& entry);

/// A value: each change is made on a copy, which other threads have not seen yet.
class AppliedConfigurations {
 public:
  /// `configuration` was applied, and was made for these limits.
  void add(const limits::LimitSet& limits, const nlohmann::json& configuration);

  /// Whether the latest was made for this generation of the limit.
  bool covers(const api::ObjectMeta& limit) const;
  /// Whether one that was has match conditions of this digest: others may have been applied since, by other replicas
  /// that do not know some later limit yet, and they leave nothing of this one out.
  bool knows(const api::ObjectMeta& limit, std::size_t conditions) const;
  /// Whether any that was had them.
  bool has_had(std::size_t conditions) const { return last_applied_.contains(conditions); }
  /// The last one; null before the first.
  const nlohmann::json& latest() const { return latest_; }

 private:
  struct Since {
    std::int64_t generation = 0, sequence = 0;
  };

  std::int64_t sequence_ = 0;
  std::map<std::string, Since> limits_;               ///< of the latest, by uid: since which one
  std::map<std::size_t, std::int64_t> last_applied_;  ///< by conditions
  nlohmann::json latest_;
};

}  // namespace headroom::webhook
