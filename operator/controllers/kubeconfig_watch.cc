#include "operator/controllers/kubeconfig_watch.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "operator/monitoring/secret_value.h"

namespace headroom::controllers {

KubeconfigWatch::KubeconfigWatch(std::shared_ptr<kube::Reader> home, api::SecretKeyRef ref, const Clock& clock,
                                 std::function<void()> changed, std::uint64_t seed)
    : ref_(std::move(ref)), store_(std::make_shared<runtime::Store<Content>>()) {
  runtime::ReflectorOptions options;
  options.type = kube::types::kSecret;
  options.ns = ref_.ns;
  options.field_selector = absl::StrCat("metadata.name=", ref_.name);
  const auto decode = [key = ref_.key](const nlohmann::json& secret) -> Result<Content> {
    auto value = monitoring::secret_value(secret, key);
    return value ? Content{std::move(value.value()), {}} : Content{{}, value.error().message};
  };
  reflector_ = std::make_unique<runtime::Reflector>(
      std::move(home), std::move(options), runtime::store_sink<Content>(store_, decode),
      [changed = std::move(changed)](const api::ObjectKey&) { changed(); }, clock, seed);
  reflector_->start();
}

KubeconfigWatch::~KubeconfigWatch() {
  reflector_->request_stop();
  reflector_->join();
}

KubeconfigWatch::Answer KubeconfigWatch::look() const {
  const std::string name = absl::StrCat("Secret ", ref_.ns, "/", ref_.name);
  if (!store_->synced()) {
    const std::string error = reflector_->health().last_error;
    return {false, !error.empty(), std::nullopt, "SecretUnreadable",
            error.empty() ? absl::StrCat("waiting for ", name) : absl::StrCat(name, ": ", error)};
  }
  const auto content = store_->get({ref_.ns, ref_.name});
  if (!content) {
    return {true, false, std::nullopt, "SecretNotFound",
            absl::StrCat(name, " does not exist: create it with the kubeconfig under key '", ref_.key,
                         "', or correct spec.cluster.kubeconfigSecretRef")};
  }
  if (!content->problem.empty()) return {true, false, std::nullopt, "SecretKeyMissing", content->problem};
  return {true, false, content->text, {}, {}};
}

}  // namespace headroom::controllers
