// Certificates that the replicas keep themselves, in one Secret in Headroom's own namespace.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>

#include "operator/certificates/self_managed.h"
#include "operator/kube/client.h"
#include "webhook/app/certificate_source.h"

namespace headroom::webhook {

struct CertificateSecretOptions {
  std::string ns, name;
  std::set<std::string> names;  ///< that the server is called by
  certificates::Lifetimes lifetimes;
  certificates::TrustOptions trust;
  double jitter = 0;  ///< in [0, 1), of this replica
};

/// Each read makes the change that is due, if any, against the version that it has read: whoever is first makes it, the
/// others find it there. A Secret that cannot be used is left as it is.
class CertificateSecretSource final : public CertificateSource {
 public:
  using WallNow = std::function<absl::Time()>;

  CertificateSecretSource(std::shared_ptr<kube::Client> client, CertificateSecretOptions options,
                          std::unique_ptr<certificates::Mint> mint, WallNow now);

  Reading read(const certificates::TrustState& trust, absl::Duration boot, const std::stop_token& stop) override;

 private:
  /// As it is stored after the change; Conflict or AlreadyExists when somebody was faster.
  Result<nlohmann::json> store(const certificates::SelfManaged& content, const nlohmann::json& stored,
                               const std::stop_token& stop);

  const std::shared_ptr<kube::Client> client_;
  const CertificateSecretOptions options_;
  const std::unique_ptr<certificates::Mint> mint_;
  const WallNow now_;
  std::optional<certificates::SelfManaged> remembered_;
};

}  // namespace headroom::webhook
