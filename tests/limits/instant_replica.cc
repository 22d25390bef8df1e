#include "tests/limits/instant_replica.h"

#include <utility>
#include <variant>

namespace headroom::limits {

std::optional<LedgerRecord> SharedRecords::swap(LimitId limit, LedgerRecord next) {
  LedgerRecord& record = records[limit];
  if (next.resource_version != record.resource_version) return std::nullopt;
  next.resource_version = std::to_string(++version);
  return record = std::move(next);
}

Amount SharedRecords::granted(LimitId limit, std::size_t dimension) const {
  const auto it = records.find(limit);
  return it == records.end() ? 0 : it->second.granted()[dimension] / Quantity::kNano;
}

std::optional<Verdict::Kind> InstantReplica::ask(int request, const Write& write, const Charges& charges, double now) {
  const auto verdict = escrow.ask(static_cast<RequestId>(request), write, charges, at(now));
  if (verdict) answers[request] = *verdict;
  act(now);
  return answer(request);
}

std::optional<Verdict::Kind> InstantReplica::answer(int request) const {
  const auto it = answers.find(request);
  return it == answers.end() ? std::nullopt : std::optional(it->second.kind);
}

void InstantReplica::sees_up_to(TypeId type, Revision revision, double now) {
  usage.progress(type, revision);
  escrow.cache_moved(type, at(now));
  act(now);
}

void InstantReplica::reads(double now) {
  for (const auto& [limit, record] : shared_.records) escrow.ledger_read(limit, record, at(now));
  act(now);
}

Amount InstantReplica::granted(LimitId limit, std::size_t dimension) const {
  const auto it = shared_.records.find(limit);
  const Grant* const grant = it == shared_.records.end() ? nullptr : it->second.grant(self);
  return grant == nullptr ? 0 : grant->granted[dimension] / Quantity::kNano;
}

void InstantReplica::act(double now) {
  for (auto actions = escrow.take_actions(); !actions.empty(); actions = escrow.take_actions()) {
    for (const Action& action : actions) {
      std::visit([&](const auto& one) { act_on(one, now); }, action);
    }
  }
}

void InstantReplica::act_on(const AnswerRequest& action, double) {
  answers[static_cast<int>(action.request)] = action.verdict;
}

void InstantReplica::act_on(const SwapLedger& action, double now) {
  ++swaps;
  std::optional<LedgerRecord> landed = shared_.swap(action.limit, action.swap.record);
  SwapOutcome outcome = landed ? SwapOutcome::Landed : SwapOutcome::Refused;
  if (loses_answers) {
    outcome = SwapOutcome::Lost;
    landed.reset();
  }
  escrow.swapped(action.limit, action.swap.sequence, outcome, std::move(landed), at(now));
  if (outcome != SwapOutcome::Refused) return;
  ++refused_swaps;
  if (hears) escrow.ledger_read(action.limit, shared_.records[action.limit], at(now));
}

void InstantReplica::act_on(const ReadLedger& action, double now) {
  ++ledger_reads;
  escrow.ledger_read(action.limit, shared_.records[action.limit], at(now));
}

void InstantReplica::act_on(const ReadRevision& action, double now) {
  ++consistent_reads;
  const auto of_type = newest_of_type.find(action.type);
  const std::optional<Revision> found = of_type == newest_of_type.end() ? newest : std::optional(of_type->second);
  if (found) {
    escrow.consistent_read(action.type, found, at(now));
  } else {
    unanswered_read = true;
  }
}

void InstantReplica::act_on(const ListType&, double) { ++lists; }

void InstantReplica::act_on(const ReadName& action, double now) { escrow.name_read(action.request, taken, at(now)); }

void InstantReplica::act_on(const ReadHolder& action, double now) {
  escrow.holder_read(action.holder, renewed, at(now));
}

}  // namespace headroom::limits
