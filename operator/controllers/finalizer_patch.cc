#include "operator/controllers/finalizer_patch.h"

#include <nlohmann/json.hpp>

namespace headroom::controllers {

nlohmann::json finalizer_patch(const api::ObjectMeta& meta, bool wanted, const std::string& version) {
  std::vector<std::string> finalizers = meta.finalizers;
  std::erase(finalizers, api::kFinalizer);
  if (wanted) finalizers.emplace_back(api::kFinalizer);
  return {{"metadata", {{"resourceVersion", version}, {"finalizers", finalizers}}}};
}

}  // namespace headroom::controllers
