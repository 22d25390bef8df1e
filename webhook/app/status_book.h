// What is remembered of each limit's status, and when it is to be written. No IO; one thread.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/runtime/stored_status.h"
#include "webhook/app/limit_book.h"
#include "webhook/app/limit_status.h"

namespace headroom::webhook {

/// What this replica knows of a limit now.
struct LimitObservation {
  EnforcementFacts enforcement;
  std::vector<limits::DimensionUse> use;  ///< in the order of api::dimensions_of()
  std::vector<std::string> uncounted;     ///< see StatusFacts
  std::string count_problem;
  std::vector<ObservedFigure> observed;
  std::string other_version;
  std::vector<std::string> scaled_blindly;
  std::vector<UnlandedWrites> unlanded;
  std::vector<api::DenialStatus> denials;  ///< since the last observation
  bool operator==(const LimitObservation&) const = default;
};

/// A status to be stored.
struct StatusWrite {
  LimitPtr limit;
  std::shared_ptr<const api::ScaleLimitStatus> status;
  std::string over;  ///< the resourceVersion that it replaces
  std::vector<runtime::EventText> events;
  StatusChange change = StatusChange::None;
  limits::BootTime last_written = -absl::InfiniteDuration();

  /// A merge patch that lands on version `over` or not at all.
  nlohmann::json patch;
};

class StatusBook {
 public:
  StatusBook(absl::Duration request_deadline, std::vector<std::string> excluded_namespaces);
  ~StatusBook();

  /// From when on it is to be asked whether the limit's ledger is secured, as of that moment; null: not now.
  std::optional<limits::BootTime> secure_from(const LimitPtr& limit, limits::BootTime now) const;
  /// What is to be written of the limit now; null: nothing, or not yet. A limit is written once a second at most, and
  /// every other second where nothing but figures has changed.
  std::optional<StatusWrite> observe(const LimitPtr& limit, LimitObservation observation, limits::Moment now);
  void landed(const StatusWrite& write, std::string version, limits::BootTime now);
  /// Somebody else has written the object: what the watch shows next is what counts.
  void conflicted(const StatusWrite& write);
  /// The API server, or another webhook, takes this status from nobody for now: it is tried again after a while that
  /// grows up to a minute, and the limits after it have their turn.
  void refused(const StatusWrite& write, limits::BootTime now);

  /// Forgets limits that are not among these.
  void retain(const limits::LimitSet& limits);
  /// Another replica writes from now on: nothing but denials is remembered.
  void hand_over();

 private:
  struct Memory;

  const absl::Duration request_deadline_;
  const std::vector<std::string> excluded_namespaces_;
  std::map<std::string, Memory> memories_;  ///< by uid
};

}  // namespace headroom::webhook
