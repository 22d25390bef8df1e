// LimitLedger (namespaced, internal): what webhook replicas have been lent of one limit's budget. It has neither spec
// nor status: all is in `record`, so that one JSON patch with a test of metadata.resourceVersion swaps it whole.
// Structs and JSON, no IO. The protocol over it is the limits library's; here is only its shape.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/object.h"
#include "operator/api/scale_limit.h"
#include "operator/base/quantity.h"
#include "operator/base/result.h"

namespace headroom::api {

/// The newest protocol of the ledger that this version speaks. In force is the lowest that live webhooks announce on
/// their Leases.
inline constexpr int kLedgerProtocol = 1;

/// Amounts of all dimensions, in the order of `LedgerRecord::dimensions`. Exact; each from 0 to 2^63-1 units.
using Amounts = std::vector<Quantity>;

/// The limit that a ledger belongs to.
struct LimitRef {
  LimitKind kind = LimitKind::ScaleLimit;
  std::string ns;  ///< empty for a ClusterScaleLimit
  std::string name;
  std::string uid;  ///< another uid: the limit was made anew, and nothing recorded holds
  bool operator==(const LimitRef&) const = default;
};

/// Name of a limit's ledger in Headroom's own namespace: "sl.<namespace>.<name>" or "csl.<name>". Distinct for distinct
/// limits, because names of namespaces have no dots, and never too long, because those of limits end at 63 characters.
std::string ledger_name(LimitKind kind, const ObjectKey& limit);

struct LedgerDimension {
  std::string name;
  Quantity hard;
  bool operator==(const LedgerDimension&) const = default;
};

/// What was stored of one resource type at one revision of it.
struct LedgerBase {
  std::string group, version, resource;  ///< the type; revisions of different types are never compared
  std::int64_t revision = 0;
  Amounts used;
  bool operator==(const LedgerBase&) const = default;
};

/// Names one recall for good.
struct RecallId {
  absl::Time raised;  ///< to the microsecond; the oldest recall wins over all ledgers
  std::string holder;
  std::int64_t epoch = 0;     ///< of the holder that raised it
  std::int64_t sequence = 0;  ///< of that holder; tells recalls of one instant apart
  bool operator==(const RecallId&) const = default;
};

/// What one replica may admit without asking.
struct Grant {
  std::string holder;      ///< name of its Lease
  std::int64_t epoch = 0;  ///< of its Lease; a grant of an earlier one is of a replica that is gone
  Amounts granted;
  std::int64_t sequence = 0;           ///< of the holder's last swap
  std::int64_t generation = 0;         ///< of the limit, whose bounds the holder goes by
  std::optional<RecallId> recall_ack;  ///< the last recall for which it has given back what was unspent
  bool operator==(const Grant&) const = default;
};

struct LedgerRecord {
  int protocol = kLedgerProtocol;  ///< in force
  LimitRef limit;
  std::int64_t generation = 0;       ///< of the limit, when `dimensions` was taken from it
  std::int64_t selection_epoch = 0;  ///< moves when what is limited changes; bases of another are never merged
  std::string selection;             ///< digest of what is limited
  std::optional<absl::Time> enforced_since;
  std::vector<LedgerDimension> dimensions;
  std::vector<LedgerBase> bases;
  std::vector<Grant> grants;
  std::vector<RecallId> recalls;  ///< open: their holders lack budget and ask the others for what they have not spent
  bool operator==(const LedgerRecord&) const = default;
};

struct LimitLedger {
  ObjectMeta meta;
  LedgerRecord record;
};

/// The object as the API server sends it. InvalidArgument names the path of what is wrong: also lists of amounts that
/// do not fit the dimensions, negative amounts, and two entries of one life of a holder, or of one type. Members that
/// this version does not know are left out.
Result<LimitLedger> limit_ledger_from_json(const nlohmann::json& object);

/// The whole `record`. Read back it equals `record` (times to the microsecond).
nlohmann::json to_json(const LedgerRecord& record);
/// Single entries, for patches of one's own; what says nothing is left out.
nlohmann::json to_json(const LedgerBase& base);
nlohmann::json to_json(const Grant& grant);
nlohmann::json to_json(const RecallId& recall);
/// In canonical decimal notation: ["100k", "1500m"].
nlohmann::json amounts_json(const Amounts& amounts);

}  // namespace headroom::api
