// Switches: keys of ConfigMaps that applications read, set while a phase holds, and put back afterwards. Who may set a
// key, and which one write brings a ConfigMap to what is wanted, as pure functions; switch_writer.h carries them out.
//
// What stood there before is kept in an annotation of the ConfigMap, written in the same patch as the switch, and in
// the schedule's status for the case that the annotation is stripped.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/api/object.h"
#include "operator/base/result.h"

namespace headroom::controllers {

inline constexpr char kSwitchesAnnotation[] = "headroom.dev/switches";

/// One ConfigMap in one region.
struct SwitchPlace {
  std::string region, ns, config_map;
  auto operator<=>(const SwitchPlace&) const = default;
  std::string to_string() const;  ///< "ConfigMap ns/name in region r"
};

struct WantedSwitch {
  std::string value, schedule;
  bool operator==(const WantedSwitch&) const = default;
};
/// By key.
using WantedSwitches = std::map<std::string, WantedSwitch>;

/// One schedule's wishes at this moment; all claimants are of one namespace.
struct SwitchClaimant {
  std::string schedule;
  int priority = 0;
  std::vector<api::Switch> claims;  ///< of the phases in force, by their start: of two for one key the later counts
};

/// Who sets what. Of several schedules that want one key the highest priority counts, then the first by name.
std::map<SwitchPlace, WantedSwitches> wanted_switches(const std::string& ns, std::span<const SwitchClaimant> claimants);

/// A key that is set, and what stood there before (empty: it was not there).
struct SwitchRecord {
  std::string value, schedule;
  std::optional<std::string> former;
  bool operator==(const SwitchRecord&) const = default;
};
struct SwitchLedger {
  bool made_config_map = false;  ///< there was no such ConfigMap
  std::map<std::string, SwitchRecord> keys;
  bool operator==(const SwitchLedger&) const = default;
};
std::string to_annotation(const SwitchLedger& ledger);
Result<SwitchLedger> ledger_from_annotation(const std::string& text);

/// A ConfigMap as found.
struct SwitchMap {
  std::string uid, resource_version;
  std::map<std::string, std::string> data;
  bool has_binary_data = false;
  std::optional<SwitchLedger> ledger;  ///< empty where the annotation is missing or unreadable
};
SwitchMap switch_map_from_json(const nlohmann::json& config_map);

/// The one write that is needed, and what holds once it has been made.
struct SwitchAction {
  enum class Kind { None, Create, Patch, Remove };
  Kind kind = Kind::None;
  SwitchLedger ledger;
  std::map<std::string, std::optional<std::string>> set;  ///< keys to write, or to remove
  std::vector<std::string> left_alone;                    ///< keys that somebody else has changed
  std::vector<std::string> refused;                       ///< keys whose content is too long to be kept
};

/// A former value is kept in an annotation (all of an object's are bounded at 256 KiB) and in a status (bounded with
/// its object at 1.5 MiB); what is longer than this is no flag and is not replaced.
inline constexpr std::size_t kLongestFormer = 16'384;

/// `found` empty: there is no such ConfigMap. `remembered` are the records of statuses, for keys that the annotation
/// does not have.
///
/// While a key is wanted: what still stands there as before is set; what somebody else has set since is left alone,
/// until another phase wants another value, which takes that for the former one. Once it is not wanted: what we set
/// goes back to what it was, anything else stays. A ConfigMap of our making goes when nothing else is in it.
SwitchAction plan_switches(const std::optional<SwitchMap>& found, const WantedSwitches& wanted,
                           const std::map<std::string, SwitchRecord>& remembered);

/// The body of that write: the object to create, or a merge patch with its precondition.
nlohmann::json switch_write_body(const SwitchPlace& place, const std::optional<SwitchMap>& found,
                                 const SwitchAction& action);

}  // namespace headroom::controllers
