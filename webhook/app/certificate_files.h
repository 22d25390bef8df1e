// The server's certificate and key, where somebody else keeps them in files and renews them.
#pragma once

#include <string>

#include "webhook/app/certificate_source.h"

namespace headroom::webhook {

struct CertificatePaths {
  std::string certificate, key;       ///< PEM; the chain, leaf first
  std::string authorities;            ///< PEM; empty: nobody says by what API servers verify
  bool authorities_optional = false;  ///< the file may be missing: not every issuer writes one

  bool operator==(const CertificatePaths&) const = default;
};

/// The files of a mounted Secret of type kubernetes.io/tls, as cert-manager writes it: tls.crt, tls.key and ca.crt.
CertificatePaths certificate_directory(const std::string& directory);

/// Reads the files whole each time: those that a kubelet mounts change by a symbolic link, whose modification time says
/// little. What is read between two of its files, or half-written, is refused, and is there the next time.
class CertificateFiles final : public CertificateSource {
 public:
  explicit CertificateFiles(CertificatePaths paths) : paths_(std::move(paths)) {}

  Reading read(const certificates::TrustState& trust, absl::Duration boot, const std::stop_token& stop) override;

 private:
  const CertificatePaths paths_;
};

}  // namespace headroom::webhook
