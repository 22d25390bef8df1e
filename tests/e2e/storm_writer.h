// One writer of a storm: creates, changes and deletes artifacts and Deployments at random, and changes replicas also
// through /scale.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/limits_home.h"
#include "tests/e2e/storm_client.h"

namespace headroom::e2e {

nlohmann::json deployment(const std::string& ns, const std::string& name, std::int64_t replicas);

/// What all writers have to do with, besides what each owns.
struct StormGround {
  std::vector<std::string> namespaces;  ///< artifacts go to all of them, the first one more often
  std::string workloads;                ///< namespace of the Deployments
  std::vector<nlohmann::json> shared;   ///< artifacts that every writer resizes
  std::int64_t most_size = 100, most_replicas = 12;
};

class StormWriter {
 public:
  StormWriter(StormClient& client, const StormGround& ground, int number, std::uint64_t seed);

  /// One write; what became of it.
  Outcome step();

 private:
  std::int64_t up_to(std::int64_t most);
  bool one_in(int count) { return up_to(count) == 1; }
  std::string new_name(const char* kind);

  Outcome create_artifact();
  Outcome resize(nlohmann::json& artifact);
  Outcome resize_shared();
  Outcome delete_artifact();
  Outcome create_or_delete_workload();
  Outcome scale_workload();
  void keep_unless_unknown(Outcome outcome, const kube::ResourceType& type, const nlohmann::json& object);
  /// Something of which it is not known whether it is there.
  Outcome clear_doubts();

  struct Doubt {
    kube::ResourceType type;
    api::ObjectKey key;
    std::chrono::steady_clock::time_point since;
  };

  StormClient& client_;
  const StormGround& ground_;
  const int number_;
  std::mt19937_64 random_;
  std::int64_t made_ = 0;
  std::vector<nlohmann::json> artifacts_;
  std::optional<nlohmann::json> workload_;
  std::vector<Doubt> doubts_;
};

}  // namespace headroom::e2e
