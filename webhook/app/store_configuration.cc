#include "webhook/app/store_configuration.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "webhook/app/applied_configurations.h"
#include "webhook/app/configuration_check.h"

namespace headroom::webhook {

using nlohmann::json;

Status store_configuration(kube::Writer& writer, const json& configuration, const std::stop_token& stop) {
  kube::WriteOptions force;
  force.force = true;
  const std::string name = configuration.at("metadata").at("name");
  BOOST_OUTCOME_TRY(stored, writer.patch(kube::types::kValidatingWebhookConfiguration, {"", name},
                                         kube::PatchType::Apply, configuration, stop, force));
  if (is_stored(stored, configuration)) return ok();
  // An apply merges entries of lists that have keys. Nothing but what is gone is owned by this second write.
  for (json& entry : stored.at("webhooks")) {
    const json& ours = configuration.at("webhooks");
    const auto wanted = std::ranges::find_if(ours, [&](const json& one) { return one.at("name") == entry.at("name"); });
    if (wanted == ours.end()) continue;
    const json bundle = entry.at("clientConfig").value("caBundle", json());
    entry = *wanted;
    if (!bundle.is_null()) entry["clientConfig"].emplace("caBundle", bundle);
  }
  BOOST_OUTCOME_TRYV(writer.update(kube::types::kValidatingWebhookConfiguration, stored, stop));
  return ok();
}

}  // namespace headroom::webhook
