// Which kinds a server serves: the resource lists of its API group versions, kept for as long as they answer the
// question. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "operator/base/clock.h"
#include "operator/kube/client.h"

namespace headroom::kube {

class Discovery {
 public:
  /// Reads an APIResourceList at a path such as "/apis/apps/v1".
  using Fetch = std::function<Result<nlohmann::json>(const std::string& path)>;

  /// From what is known; else asks `fetch`, for one group version at most every ten seconds.
  Result<ResourceType> find(const std::string& api_version, const std::string& kind, SteadyTime now,
                            const Fetch& fetch);

 private:
  struct GroupVersion {
    SteadyTime fetched{};
    std::map<std::string, ResourceType> by_kind;
  };

  std::mutex mutex_;
  std::map<std::string, GroupVersion> known_;  // guarded by mutex_
};

}  // namespace headroom::kube
