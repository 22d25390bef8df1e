#include "operator/kube/transport.h"

namespace headroom::kube {

const char* to_string(Method method) {
  switch (method) {
    case Method::Get:
      return "GET";
    case Method::Post:
      return "POST";
    case Method::Put:
      return "PUT";
    case Method::Patch:
      return "PATCH";
    case Method::Delete:
      return "DELETE";
  }
  return "GET";
}

std::string describe(const Request& request) {
  return std::string(to_string(request.method)) + " " + request.path.substr(0, request.path.find('?'));
}

}  // namespace headroom::kube
