// A cluster's objects as JSON, which takes the writes of engines as an API server would and shows them to engines as
// caches would. No threads, no time of its own.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/controllers/engine_objects.h"

namespace headroom::controllers {

class SimulatedObjects {
 public:
  /// Gives it a uid and a version, as the server does, unless it has them.
  void add(nlohmann::json object);
  nlohmann::json& at(const std::string& kind, const std::string& name);
  bool has(const std::string& kind, const std::string& name) const;
  void remove(const std::string& kind, const std::string& name);

  /// As somebody else's patch: no precondition, noted in managedFields where `manager` is given.
  void edit(const std::string& kind, const std::string& name, const nlohmann::json& patch,
            const std::string& manager = "");

  /// Merge patches with their precondition, creation and deletion. The answer is the object, or its Scale.
  Result<nlohmann::json> apply(const Write& write);
  /// All of them, rebased where they ask for it; at most `most`, as if the process had died then.
  Status apply(std::vector<Write> writes, std::size_t most = SIZE_MAX);

  /// What the caches would tell about a target, all synced.
  EngineObjects objects_of(const api::ScaleTarget& target) const;
  EngineView view(const api::ScaleTarget& target, const OperatorOptions& options = {}) const;

  /// Metadata and spec without what an API server changes by itself.
  std::string face(const std::string& kind, const std::string& name) const;
  /// Bodies of all writes so far, compact.
  const std::vector<std::string>& journal() const { return journal_; }

  /// Of custom kinds: where their sizes lie. Known without: Deployment.
  std::map<std::string, ScaleKind> kinds;

 private:
  void touch(nlohmann::json& object);

  std::map<std::pair<std::string, std::string>, nlohmann::json> objects_;
  std::vector<std::string> journal_;
  int version_ = 100, uids_ = 0;
};

// --- fixtures ---

nlohmann::json a_deployment(const std::string& name, int replicas);
nlohmann::json an_autoscaler(const std::string& name, const std::string& deployment, int min, int max);
nlohmann::json a_scaled_object(const std::string& name, const std::string& deployment, std::optional<int> min,
                               std::optional<int> max);
/// CloudNativePG's: .spec.instances, .status.readyInstances, with a scale subresource.
nlohmann::json a_database(const std::string& name, int instances);
ScaleKind database_kind(const std::string& field_path);

/// Namespace shop, region local, sizes 1 to 100.
api::ScaleTarget a_target(const std::string& name, api::EngineType engine, const std::string& deployment);
api::ScaleTarget a_database_target(const std::string& name, api::EngineType engine, const std::string& database);

plan::Decision a_decision(int original, int min, int max);
plan::Decision no_decision(int original);

}  // namespace headroom::controllers
