// Deletes the ledgers of limits that are gone. A ledger lies in Headroom's own namespace and its limit mostly in
// another, so that Kubernetes' garbage collection can't do it.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>

#include "operator/api/limit_ledger.h"
#include "operator/kube/client.h"
#include "operator/limits/identity.h"
#include "operator/limits/ledger_record.h"

namespace headroom::webhook {

class LedgerSweep {
 public:
  /// Ledgers of the namespace `ns`, without a limit and without a change for `grace` or longer. One thread.
  LedgerSweep(std::shared_ptr<kube::Client> client, std::string ns, absl::Duration grace);

  /// Looks at all ledgers and deletes those that are due, some hundred at most: those without a limit of their name, of
  /// whatever uid (one that is made anew goes on with it), that no replica swaps any more. Grants may be left in it:
  /// what they bounded is gone. Asks for each limit before its ledger goes, and deletes nothing but the version that it
  /// has judged. `known`: names of ledgers whose limits are judged by, which need no asking. So a ledger is gone within
  /// `grace` and two times the pause between sweeps.
  /// Whether there was nothing to be done, now or later: until another limit goes, no sweep has anything to do.
  bool sweep(const std::set<std::string>& known, limits::BootTime now, const std::stop_token& stop);

 private:
  Result<bool> has_limit(const api::LimitRef& limit, const std::stop_token& stop);
  bool remove(const api::LimitLedger& ledger, const std::stop_token& stop);

  const std::shared_ptr<kube::Client> client_;
  const std::string ns_;
  const absl::Duration grace_;
  std::map<std::string, limits::BootTime> orphaned_;  ///< by uid and version of the ledger: since when
};

}  // namespace headroom::webhook
