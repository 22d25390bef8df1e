// A CertificateKeeper as the options want it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "operator/kube/client.h"
#include "operator/runtime/metrics.h"
#include "webhook/app/certificate_keeper.h"
#include "webhook/app/options.h"
#include "webhook/app/replica_leases.h"

namespace headroom::webhook {

/// Who has to do with certificates; `replicas` outlives the keeper. The functions as in CertificateSurroundings.
struct CertificateUsers {
  const ReplicaLeases& replicas;
  std::function<absl::Time()> wall_now;
  std::function<absl::Duration()> boot_now;
  std::function<Status(const certificates::Pair&)> use;
  std::function<void()> bundle_changed;
};

/// `own_lease`: name of this replica's.
Result<std::unique_ptr<CertificateKeeper>> make_certificate_keeper(const WebhookOptions& options,
                                                                   const std::string& own_lease,
                                                                   std::shared_ptr<kube::Client> client,
                                                                   CertificateUsers users, runtime::Metrics& metrics);

}  // namespace headroom::webhook
