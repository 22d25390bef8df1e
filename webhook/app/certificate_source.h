// Where the server's certificates come from: files, or a Secret that the replicas keep themselves.
#pragma once

#include <stop_token>
#include <string>

#include "operator/base/result.h"
#include "operator/certificates/trust.h"

namespace headroom::webhook {

/// One thread.
class CertificateSource {
 public:
  virtual ~CertificateSource() = default;

  struct Reading {
    Result<certificates::Offer> offer;
    std::string version;  ///< of what was read: a failure is news when it is another than before
  };
  /// Reads anew; where the source is ours, it makes the next change to it first. `trust` is what the caller knows of
  /// API servers, at `boot` since the machine's start.
  virtual Reading read(const certificates::TrustState& trust, absl::Duration boot, const std::stop_token& stop) = 0;
};

}  // namespace headroom::webhook
