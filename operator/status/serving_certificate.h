// The certificate of a server for people and scrapers: given in a mounted folder, or made by the program itself where
// clients do not verify it. One thread.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <set>
#include <string>

#include "operator/base/result.h"
#include "operator/certificates/certificate.h"

namespace headroom::status {

class ServingCertificate {
 public:
  /// `directory` with tls.crt and tls.key; empty: made for `names`, and anew long before it ends.
  ServingCertificate(std::string directory, std::set<std::string> names);

  /// The pair to be shown from `now` on when it is another than the last one returned. An error says why there is none,
  /// or none that fits together; the last one stays good.
  Result<std::optional<certificates::Pair>> look(absl::Time now);

 private:
  Result<certificates::Pair> read() const;

  const std::string directory_;
  const std::set<std::string> names_;
  certificates::Pair shown_;
  absl::Time renew_at_ = absl::InfinitePast();  ///< of one that we make
};

}  // namespace headroom::status
