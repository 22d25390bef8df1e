#include "tests/kube/kubeconfig_texts.h"

namespace headroom::kube {

std::string base64(const std::string& text) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    unsigned value = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      value = value << 8U | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) out += i + k <= text.size() ? kDigits[value >> (18 - 6 * k) & 63U] : '=';
  }
  return out;
}

std::string kubeconfig(const std::string& cluster, const std::string& user, const std::string& context) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{name: c, cluster: " + cluster +
         "}]\nusers: [{name: u, user: " + user + "}]\ncontexts: [{name: x, context: " + context + "}]\n";
}

}  // namespace headroom::kube
