// The store and the admission-relevant half of an API server, as the simulation needs them: objects of two types with
// revisions, ledger records with compare-and-swap, a history of events. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operator/limits/escrow.h"

namespace headroom::limits {

inline constexpr LimitId kAll = 0;      ///< counts and sums the objects of both types
inline constexpr LimitId kFlagged = 1;  ///< counts the flagged objects of type 0, or the others
inline constexpr std::array<LimitId, 2> kLimits{kAll, kFlagged};
inline constexpr LimitId kFlow = 2;  ///< writes of both types, at once and per time
inline constexpr std::array<LimitId, 3> kLedgers{kAll, kFlagged, kFlow};
inline constexpr std::array<TypeId, 2> kTypes{0, 1};

struct StoredObject {
  TypeId type = 0;
  std::string name;
  Uid uid;
  Revision version = 0;
  int amount = 0;
  bool flagged = false;

  ListedObject listed() const { return {uid, name_id("ns", name), version}; }
};

struct StoreEvent {
  StoredObject object;
  bool deleted = false;
};

class SimulatedStore {
 public:
  Revision revision() const { return revision_; }
  const std::map<std::string, StoredObject>& objects() const { return objects_; }
  /// Events of all types in order; the object's version is the revision.
  const std::vector<StoreEvent>& history() const { return history_; }

  /// False where the name is taken.
  bool create(StoredObject object);
  /// False where the object is gone or has another version.
  bool update(StoredObject object);
  bool remove(const std::string& name);

  LedgerRecord ledger(LimitId ledger) const;
  /// Those of its record, without a copy of it.
  std::span<const RecallId> recalls(LimitId ledger) const;
  /// Null where the record has another version.
  std::optional<LedgerRecord> swap(LimitId ledger, LedgerRecord record);

  /// Goes back to a state that was saved; events after it have never been.
  struct Saved;
  Saved save() const;
  void restore(const Saved& saved);

 private:
  Revision revision_ = 100;
  std::map<std::string, StoredObject> objects_;
  std::map<LimitId, LedgerRecord> ledgers_;
  std::vector<StoreEvent> history_;
};

struct SimulatedStore::Saved {
  SimulatedStore state;
};

}  // namespace headroom::limits
