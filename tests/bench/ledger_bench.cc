// What a decision costs without network and JSON text: found among a thousand limits, charged, admitted by the ledger,
// and seen to have landed.
#include <benchmark/benchmark.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/limits/escrow.h"
#include "operator/limits/limit_set.h"
#include "operator/limits/stored_object.h"

namespace {

using namespace headroom;
using namespace headroom::limits;
using nlohmann::json;

constexpr int kLimits = 1000;
constexpr TypeId kType = 0;

json limit_object(int number) {
  return {{"metadata",
           {{"name", "artifacts"},
            {"namespace", "ns-" + std::to_string(number)},
            {"uid", std::to_string(number)},
            {"generation", 1}}},
          {"spec",
           {{"match", {{"resources", {{{"group", "example.com"}, {"version", "v1"}, {"resource", "artifacts"}}}}}},
            {"total",
             {{"count", 1'000'000'000}, {"sums", {{{"name", "size"}, {"path", ".spec.size"}, {"hard", "1E"}}}}}}}}};
}

/// A replica with its ledger's records at hand, so that swaps take no time.
struct Replica {
  Replica() : escrow({"replica", 1}, {}, usage) {
    std::vector<std::shared_ptr<const CompiledLimit>> all;
    for (int i = 0; i < kLimits; ++i) {
      auto limit = std::make_shared<api::ScaleLimit>(api::scale_limit_from_json(limit_object(i)).value());
      all.push_back(std::make_shared<CompiledLimit>(static_cast<LimitId>(i), std::move(limit),
                                                    std::vector<TypeId>{kType}, std::vector<std::string>{},
                                                    std::vector<std::string>{}));
      usage.define(static_cast<LimitId>(i), 2, true, all.back()->types());
      escrow.set_limit(static_cast<LimitId>(i), all.back()->terms());
    }
    limits.emplace(std::move(all));
    usage.begin_list(kType);
    (void)usage.commit_list(kType, 1);
    escrow.lease_held_until(absl::InfiniteDuration());
    escrow.tick(now);
    act();
  }

  void act() {
    for (bool more = true; more;) {
      more = false;
      for (Action& action : escrow.take_actions()) {
        more = true;
        if (const auto* answer = std::get_if<AnswerRequest>(&action)) {
          refused = refused || answer->verdict.kind != Verdict::Kind::Allowed;
        } else if (const auto* read = std::get_if<ReadLedger>(&action)) {
          escrow.ledger_read(read->limit, records[read->limit], now);
        } else if (auto* swap = std::get_if<SwapLedger>(&action)) {
          LedgerRecord& record = records[swap->limit];
          record = std::move(swap->swap.record);
          record.resource_version = std::to_string(++version);
          escrow.swapped(swap->limit, swap->swap.sequence, SwapOutcome::Landed, record, now);
        }
      }
    }
  }

  Moment now{absl::Seconds(1), absl::UnixEpoch()};
  UsageCache usage;
  Escrow escrow;
  std::optional<LimitSet> limits;
  std::vector<LedgerRecord> records{kLimits};
  Revision version = 1;
  bool refused = false;
};

void admit(benchmark::State& state) {
  Replica replica;
  const json object{
      {"metadata", {{"name", "a"}, {"namespace", "ns-7"}, {"uid", "0d0e9c44-6a4f-4c0a-9d7e-2f6d8f1c1a10"}}},
      {"spec", {{"size", "20M"}}}};
  const StoredObject view(object);
  AskedWrite asked;
  asked.group = "example.com";
  asked.version = "v1";
  asked.resource = "artifacts";
  asked.ns = "ns-7";
  asked.name = "a";
  asked.object = &view;
  const auto off = [](const api::SwitchCondition&) { return false; };
  std::uint64_t number = 0;
  std::vector<Uid> in_flight;
  for (auto _ : state) {
    Assessment assessment = replica.limits->assess(asked, replica.usage, off);
    assessment.write.uid.low = assessment.write.name.low = ++number;  // another object each time
    const auto verdict = replica.escrow.ask(number, assessment.write, assessment.charges, replica.now);
    if (!verdict) replica.act();  // it waited for a slice
    if (replica.refused || (verdict && verdict->kind != Verdict::Kind::Allowed)) {
      return state.SkipWithError("a write that fits was refused");
    }
    in_flight.push_back(assessment.write.uid);
    if (in_flight.size() == 256) {
      for (const Uid& uid : in_flight) replica.escrow.seen(kType, uid, ++replica.version, false);
      replica.usage.progress(kType, replica.version);
      replica.escrow.cache_moved(kType, replica.now);
      in_flight.clear();
      replica.now.boot += absl::Milliseconds(1);
      replica.act();
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(admit)->Unit(benchmark::kNanosecond);

}  // namespace
