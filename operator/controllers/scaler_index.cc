#include "operator/controllers/scaler_index.h"

namespace headroom::controllers {

std::string group_of(const std::string& api_version) {
  const std::size_t slash = api_version.find('/');
  return slash == std::string::npos ? "" : api_version.substr(0, slash);
}

}  // namespace headroom::controllers
