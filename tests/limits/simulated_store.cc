#include "tests/limits/simulated_store.h"

#include <utility>

namespace headroom::limits {
bool SimulatedStore::create(StoredObject object) {
  object.version = revision_ + 1;
  const auto [it, added] = objects_.try_emplace(object.name, object);
  if (!added) return false;
  ++revision_;
  history_.push_back({it->second, false});
  return true;
}

bool SimulatedStore::update(StoredObject object) {
  const auto it = objects_.find(object.name);
  if (it == objects_.end() || it->second.uid != object.uid || it->second.version != object.version) return false;
  object.version = ++revision_;
  it->second = object;
  history_.push_back({object, false});
  return true;
}

bool SimulatedStore::remove(const std::string& name) {
  const auto it = objects_.find(name);
  if (it == objects_.end()) return false;
  StoredObject last = it->second;
  last.version = ++revision_;
  objects_.erase(it);
  history_.push_back({last, true});
  return true;
}

LedgerRecord SimulatedStore::ledger(LimitId ledger) const {
  const auto it = ledgers_.find(ledger);
  return it == ledgers_.end() ? LedgerRecord{} : it->second;
}

std::span<const RecallId> SimulatedStore::recalls(LimitId ledger) const {
  const auto it = ledgers_.find(ledger);
  return it == ledgers_.end() ? std::span<const RecallId>() : it->second.recalls;
}

std::optional<LedgerRecord> SimulatedStore::swap(LimitId ledger, LedgerRecord record) {
  LedgerRecord& stored = ledgers_[ledger];
  if (stored.resource_version != record.resource_version) return std::nullopt;
  record.resource_version = std::to_string(++revision_);
  stored = record;
  return record;
}

SimulatedStore::Saved SimulatedStore::save() const { return {*this}; }

void SimulatedStore::restore(const Saved& saved) { *this = saved.state; }

}  // namespace headroom::limits
