// The server's certificate and key, where somebody else keeps them in files and renews them. One thread.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "operator/base/result.h"

namespace headroom::webhook {

/// A certificate chain, leaf first, and its private key, in PEM.
struct CertificatePair {
  std::string certificate_pem, key_pem;
  bool operator==(const CertificatePair&) const = default;
};

/// Where the server's certificate comes from: use() is called with each new pair; what it refuses is tried again, and
/// the pair before it stays.
class CertificateFiles {
 public:
  using Use = std::function<Status(const CertificatePair&)>;

  CertificateFiles(std::string certificate_file, std::string key_file)
      : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)) {}

  Result<CertificatePair> read() const;
  /// Reads the files again, and uses them where they differ from what was used last. Every few seconds: files that a
  /// kubelet mounts change by a symbolic link, whose modification time says little.
  Status refresh(const Use& use);
  /// What is in use without refresh().
  void used(CertificatePair pair) { used_ = std::move(pair); }

 private:
  const std::string certificate_file_, key_file_;
  CertificatePair used_;
};

}  // namespace headroom::webhook
