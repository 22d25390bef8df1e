// Which certificates the webhook's server shows, as flags say it. Pure.
#pragma once

#include <set>
#include <string>

#include "operator/base/result.h"
#include "operator/certificates/self_managed.h"
#include "webhook/app/certificate_files.h"
#include "webhook/app/webhook_configuration.h"

namespace headroom::webhook {

/// Exactly one of the three sources is named.
struct CertificateOptions {
  CertificatePaths files;                           ///< given, with --webhook-ca as authorities
  std::string directory;                            ///< a mounted Secret: CertificateFiles of it
  std::string secret;                               ///< name of the Secret that the replicas keep themselves
  certificates::Lifetimes lifetimes;                ///< of what they keep themselves
  absl::Duration propagation = absl::Seconds(120);  ///< TrustOptions::propagation
};

/// Errors name the flag, the value and the remedy. `configuration`: name of the webhook configuration that is kept up.
Status check_certificate_options(const CertificateOptions& options, const std::string& configuration,
                                 const WebhookAddress& address);

/// What the API server calls the server by; an error when certificates cannot be made for it.
Result<std::set<std::string>> names_of_address(const WebhookAddress& address);

}  // namespace headroom::webhook
