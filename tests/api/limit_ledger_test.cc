#include "operator/api/limit_ledger.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "tests/api/full_objects.h"
#include "tests/api/mutation.h"
#include "tests/support/full_status.h"

namespace headroom::api {
namespace {

using nlohmann::json;
using testing_support::full_ledger_record;

TEST(LimitLedger, reads_back_the_record_that_was_written) {
  const Result<LimitLedger> ledger = limit_ledger_from_json(full_limit_ledger());
  ASSERT_TRUE(ledger) << ledger.error().message;
  EXPECT_EQ(ledger.value().record, full_ledger_record());
  EXPECT_EQ(to_json(ledger.value().record), full_limit_ledger().at("record"));
  EXPECT_EQ(ledger.value().meta.resource_version, "71");
}

TEST(LimitLedger, starts_with_nothing_but_the_limit_it_belongs_to) {
  LedgerRecord record;
  record.limit = {LimitKind::ClusterScaleLimit, "", "actions", "u-1"};
  const json written = to_json(record);
  EXPECT_EQ(written, json::parse(R"({"protocol": 1, "generation": 0, "selectionEpoch": 0,
                                     "limitRef": {"kind": "ClusterScaleLimit", "name": "actions", "uid": "u-1"}})"));
  const Result<LimitLedger> ledger = limit_ledger_from_json({{"record", written}});
  ASSERT_TRUE(ledger) << ledger.error().message;
  EXPECT_EQ(ledger.value().record, record);
}

TEST(LimitLedger, keeps_every_amount_revision_and_instant_exactly) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const Quantity amounts[] = {Quantity(),
                              Quantity::from_nano(1),
                              Quantity::from_nano(999'999'999),
                              Quantity::from_int(1),
                              Quantity::from_int((std::int64_t{1} << 53) + 1),
                              Quantity::from_int(1'000'000'000'000'001),
                              Quantity::from_nano(Quantity::from_int(123'456'789'012'345).nano() + 1),
                              Quantity::from_int(kMost)};
  LedgerRecord record = full_ledger_record();
  for (const Quantity amount : amounts) {
    record.dimensions[0].hard = amount;
    record.bases[0].used[1] = amount;
    record.grants[1].granted[0] = amount;
    record.bases[0].revision = kMost;
    record.recalls[0].raised = absl::FromUnixMicros(1'793'000'000'000'001);
    const json text = json::parse(json{{"record", to_json(record)}}.dump());
    const Result<LimitLedger> ledger = limit_ledger_from_json(text);
    ASSERT_TRUE(ledger) << ledger.error().message;
    EXPECT_EQ(ledger.value().record, record) << amount.to_string();
  }
}

TEST(LimitLedger, writes_single_entries_as_they_stand_in_the_whole) {
  const LedgerRecord record = full_ledger_record();
  const json whole = to_json(record);
  EXPECT_EQ(to_json(record.bases[1]), whole["bases"][1]);
  EXPECT_EQ(to_json(record.grants[1]), whole["grants"][1]);
  EXPECT_EQ(to_json(record.recalls[0]), whole["recalls"][0]);
  EXPECT_EQ(amounts_json(record.grants[0].granted), json({"50", "1G"}));
}

TEST(LimitLedger, leaves_out_what_a_newer_version_added) {
  json object = full_limit_ledger();
  object["record"]["pledges"] = json::array({{{"holder", "webhook-c"}}});
  object["record"]["grants"][0]["colour"] = "blue";
  const Result<LimitLedger> ledger = limit_ledger_from_json(object);
  ASSERT_TRUE(ledger) << ledger.error().message;
  EXPECT_EQ(ledger.value().record, full_ledger_record());
}

TEST(LimitLedger, is_not_read_where_an_amount_an_epoch_or_a_revision_is_in_doubt) {
  const Mutation table[] = {
      {"/record", "", "record: must be given"},
      {"/record/protocol", "", "record.protocol: must be given"},
      {"/record/protocol", "0", "record.protocol: must be a whole number from 1"},
      {"/record/limitRef", "", "record.limitRef: must be given"},
      {"/record/limitRef/kind", "", "record.limitRef.kind: must be one of ScaleLimit, ClusterScaleLimit, not absent"},
      {"/record/limitRef/kind", "\"Region\"", "record.limitRef.kind: must be one of ScaleLimit, ClusterScaleLimit"},
      {"/record/limitRef/uid", "\"\"", "record.limitRef.uid: must be a string that is not empty"},
      {"/record/generation", "", "record.generation: must be a whole number that is not negative, not absent"},
      {"/record/selectionEpoch", "null", "record.selectionEpoch: must be a whole number that is not negative"},
      {"/record/selectionEpoch", "1.5", "record.selectionEpoch: must be a whole number"},
      {"/record/enforcedSince", "\"now\"", "record.enforcedSince: "},
      {"/record/dimensions/0/hard", "", "record.dimensions[0].hard: must be a quantity"},
      {"/record/dimensions/1/name", "\"count\"", "record.dimensions: has two entries of count"},
      {"/record/dimensions", R"([{"name": "count", "hard": 1}])",
       "record.bases[0].used: has 2 amounts, but there are 1 dimensions"},
      {"/record/dimensions", "", "record.bases[0].used: has 2 amounts, but there are 0 dimensions"},
      {"/record/bases/1/used", "", "record.bases[1].used: has 0 amounts, but there are 2 dimensions"},
      {"/record/bases/0/used/1", "\"-1\"", "record.bases[0].used: must not have negative amounts"},
      {"/record/bases/0/used/0", "\"many\"", "record.bases[0].used[0]: "},
      {"/record/bases/0/used/0", "0.5", "record.bases[0].used[0]: must be a quantity"},
      {"/record/bases/0/used/0", "null", "record.bases[0].used[0]: must be a quantity"},
      {"/record/bases/0/revision", "", "record.bases[0].revision: must be a whole number"},
      {"/record/bases/0/revision", "\"17\"", "record.bases[0].revision: must be a whole number"},
      {"/record/bases/0/revision", "18446744073709551615", "record.bases[0].revision: must be a whole number"},
      {"/record/bases/1", R"({"group": "storage.example.com", "version": "v1", "resource": "artifacts", "revision": 1,
                              "used": ["0", "0"]})",
       "record.bases: has two entries of storage.example.com/v1/artifacts"},
      {"/record/grants/0",
       R"({"holder": "webhook-b", "epoch": 1, "granted": ["1", "1"], "sequence": 1, "generation": 1})",
       "record.grants: has two entries of webhook-b in epoch 1"},
      {"/record/grants/0/sequence", "", "record.grants[0].sequence: must be a whole number"},
      {"/record/grants/0/generation", "", "record.grants[0].generation: must be a whole number"},
      {"/record/grants/0/epoch", "", "record.grants[0].epoch: must be a whole number"},
      {"/record/grants/0/granted/2", "\"1\"", "record.grants[0].granted: has 3 amounts, but there are 2 dimensions"},
      {"/record/grants/1/recallAck/raised", "", "record.grants[1].recallAck.raised: must be an instant"},
      {"/record/grants/1/recallAck/sequence", "", "record.grants[1].recallAck.sequence: must be a whole number"},
      {"/record/grants/1/recallAck/epoch", "", "record.grants[1].recallAck.epoch: must be a whole number"},
      {"/record/recalls/1", R"({"raised": "2026-11-08T00:00:00Z", "holder": "webhook-a", "epoch": 4, "sequence": 13})",
       "record.recalls: has two entries of webhook-a in epoch 4"},
      {"/record/recalls/0/epoch", "-1", "record.recalls[0].epoch: must be a whole number that is not negative"},
  };
  for (const Mutation& mutation : table) {
    const Result<LimitLedger> ledger = limit_ledger_from_json(mutated(full_limit_ledger(), mutation));
    ASSERT_FALSE(ledger) << mutation.pointer;
    EXPECT_EQ(ledger.error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(ledger.error().message.find(mutation.error), 0u) << ledger.error().message;
  }
}

TEST(LimitLedger, may_have_grants_of_two_lives_of_one_webhook) {
  LedgerRecord record = full_ledger_record();
  record.grants[1] = record.grants[0];
  ++record.grants[1].epoch;
  const Result<LimitLedger> ledger = limit_ledger_from_json({{"record", to_json(record)}});
  ASSERT_TRUE(ledger) << ledger.error().message;
  EXPECT_EQ(ledger.value().record, record);
}

TEST(LimitLedger, has_another_name_for_each_limit) {
  EXPECT_EQ(ledger_name(LimitKind::ScaleLimit, {"shop", "a.b"}), "sl.shop.a.b");
  EXPECT_EQ(ledger_name(LimitKind::ClusterScaleLimit, {"", "shop.a.b"}), "csl.shop.a.b");
  EXPECT_NE(ledger_name(LimitKind::ScaleLimit, {"shop", "a.b"}), ledger_name(LimitKind::ScaleLimit, {"shop-a", "b"}));
  const std::string longest(63, 'a');
  EXPECT_LE(ledger_name(LimitKind::ScaleLimit, {longest, longest}).size(), 253u);
}

}  // namespace
}  // namespace headroom::api
