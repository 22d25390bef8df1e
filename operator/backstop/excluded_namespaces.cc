#include "operator/backstop/excluded_namespaces.h"

#include <algorithm>

namespace headroom::backstop {

std::vector<std::string> excluded_namespaces(const std::string& own) {
  std::vector<std::string> names = {own, "kube-node-lease", "kube-public", "kube-system"};
  std::ranges::sort(names);
  const auto [first, last] = std::ranges::unique(names);
  names.erase(first, last);
  return names;
}

}  // namespace headroom::backstop
