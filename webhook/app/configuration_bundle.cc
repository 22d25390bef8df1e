#include "webhook/app/configuration_bundle.h"

#include <absl/strings/escaping.h>

#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "operator/certificates/x509.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;

std::vector<certificates::Authority> bundle_of(const json& entry) {
  const json config = entry.is_object() ? entry.value("clientConfig", json::object()) : json::object();
  const auto bundle = config.find("caBundle");
  std::string pem;
  if (bundle == config.end() || !bundle->is_string() ||
      !absl::Base64Unescape(bundle->get_ref<const std::string&>(), &pem)) {
    return {};
  }
  // All of them: what several rotations in a row have left there for a while is in use.
  auto authorities = certificates::read_authorities(pem, std::numeric_limits<std::size_t>::max());
  return authorities ? std::move(authorities).value() : std::vector<certificates::Authority>();
}

}  // namespace

certificates::Carried carried_by(const json& stored) {
  certificates::Carried carried;
  if (!stored.is_object() || !stored.contains("webhooks") || !stored["webhooks"].is_array()) return carried;
  std::map<std::string, certificates::Authority> any;
  std::optional<certificates::AuthorityIds> all;
  for (const json& entry : stored["webhooks"]) {
    carried.asks = true;
    certificates::AuthorityIds ids;
    for (certificates::Authority& authority : bundle_of(entry)) {
      ids.insert(authority.id);
      any.emplace(authority.id, std::move(authority));
    }
    if (!all) {
      all = std::move(ids);
    } else {
      std::erase_if(*all, [&](const std::string& id) { return !ids.contains(id); });
    }
  }
  if (all) carried.by_all = *std::move(all);
  for (auto& [id, authority] : any) carried.by_any.push_back(std::move(authority));
  return carried;
}

std::string bundle_pem(const std::vector<certificates::Authority>& authorities) {
  std::string pem;
  for (const certificates::Authority& one : authorities) pem += one.pem;
  return pem;
}

}  // namespace headroom::webhook
