// The namespaces that limits leave alone. Pure.
#pragma once

#include <string>
#include <vector>

namespace headroom::backstop {

/// Neither gated nor counted, whatever a limit says: Headroom's own, where a refusal would stop the limits themselves,
/// and those of the control plane. Sorted.
std::vector<std::string> excluded_namespaces(const std::string& own);

}  // namespace headroom::backstop
