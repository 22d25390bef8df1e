// The webhook configuration as it was last read, held against what was applied: whether the API server asks about all
// that a limit matches. No IO; one thread.
#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "operator/limits/escrow.h"
#include "webhook/app/applied_configurations.h"
#include "webhook/app/configuration_check.h"
#include "webhook/app/enforcement.h"

namespace headroom::webhook {

/// What this replica has applied so far, and when it did so last.
struct AppliedSoFar {
  std::shared_ptr<const AppliedConfigurations> configurations;  ///< null: nothing
  limits::BootTime at = -absl::InfiniteDuration();
};

class StoredConfiguration {
 public:
  /// `name` empty: none is kept up.
  StoredConfiguration(std::string name, WebhookAddress address);

  const std::string& name() const { return name_; }
  /// Whether it is to be read again: every few seconds, sooner while something is awaited of it.
  bool due(limits::BootTime now) const;
  /// It was read; null: there is none.
  void was_read(std::optional<nlohmann::json> object, limits::BootTime now);
  /// It could not be read.
  void is_unknown(limits::BootTime now);
  /// Nothing of it is known any more.
  void forget();

  /// Once per round, before the limits.
  void begin_round(const AppliedSoFar& applied, limits::BootTime now);
  /// Fills in what concerns the webhook. `overlooked`: it is rightly not asked about all that this limit names, see
  /// validation::other_version().
  void observe(const LimitPtr& limit, const AppliedSoFar& applied, bool overlooked, EnforcementFacts& facts);
  /// After the limits: whether it is to be applied again, as somebody has removed or altered it. Once per reading.
  bool lacks(const AppliedSoFar& applied);
  /// Forgets limits that have none of these uids.
  void retain(const std::set<std::string>& uids);

 private:
  /// left_out() of one limit, for as long as neither side changes.
  struct Checked {
    std::string version;
    LimitPtr limit;
    std::set<std::string> asking;  ///< entries that it needs, by name
    std::string left_out;
  };

  void look_for_alterations(const AppliedConfigurations& applied);
  const Checked& check(const LimitPtr& limit);
  /// Whether all conditions under which the entries ask are of this replica, from a time when it knew the limit.
  bool conditions_known(const Checked& checked, const AppliedConfigurations& applied) const;

  const std::string name_;
  const WebhookAddress address_;

  limits::BootTime at_ = -absl::InfiniteDuration();
  bool known_ = false;
  std::optional<nlohmann::json> object_;
  std::string version_;
  absl::Time created_ = absl::InfinitePast();
  std::map<std::string, std::size_t> conditions_;  ///< digests by name of the entry

  std::map<std::string, Checked> checked_;  ///< by uid
  /// Since when it was not the one that was applied last; another replica may just be quicker with a new limit.
  std::optional<limits::BootTime> differs_since_;
  bool settled_ = false;                         ///< it has differed for long enough
  std::map<std::string, std::size_t> suspects_;  ///< conditions of an entry that were not known when they were read
  std::set<std::string> altered_;                ///< entries that had conditions of somebody else's before these
  bool awaited_ = false, lacking_ = false;
  limits::BootTime reported_ = -absl::InfiniteDuration();  ///< the reading that showed it
};

}  // namespace headroom::webhook
