#include "webhook/app/ledger_codec.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/webhook_app/a_limit.h"

namespace headroom::webhook {
namespace {

constexpr limits::Amount kOne = Quantity::kNano;

limits::CompiledLimit compiled(const std::string& uid = "u-1") {
  return {7,
          a_limit("files", {{"total", {{"sums", {{{"name", "size"}, {"path", ".spec.size"}, {"hard", "1k"}}}}}}}, uid),
          {3},
          {},
          {}};
}

limits::LedgerRecord full_record() {
  limits::LedgerRecord record;
  record.generation = 4;
  record.epoch = 1'793'000'000'000'001;
  record.selection = "5f1d7a84db00d2fc";
  record.hard = {10 * kOne, 1000 * kOne};
  record.bases = {{3, 71, {2 * kOne, 5 * kOne + 1}}};
  const limits::RecallId recall{1'793'000'000'000'002, {"headroom-webhook-a", 3}, 8};
  record.grants = {{{"headroom-webhook-a", 3}, {kOne, 0}, 9, 4, {}},
                   {{"headroom-webhook-a", 2}, {kOne, kOne}, 1, 3, {}},
                   {{"headroom-webhook-b", 1}, {0, 0}, 2, 4, recall}};
  record.recalls = {recall};
  return record;
}

api::LimitLedger stored(const api::LedgerRecord& record) {
  nlohmann::json object = {{"metadata", {{"name", "sl.shop.files"}, {"resourceVersion", "71"}}},
                           {"record", api::to_json(record)}};
  return api::limit_ledger_from_json(nlohmann::json::parse(object.dump())).value();
}

void expect_equal(const limits::LedgerRecord& left, const limits::LedgerRecord& right) {
  EXPECT_EQ(left.generation, right.generation);
  EXPECT_EQ(left.epoch, right.epoch);
  EXPECT_EQ(left.selection, right.selection);
  EXPECT_EQ(left.hard, right.hard);
  EXPECT_EQ(left.grants, right.grants);
  EXPECT_EQ(left.recalls, right.recalls);
  ASSERT_EQ(left.bases.size(), right.bases.size());
  for (std::size_t i = 0; i < left.bases.size(); ++i) {
    EXPECT_EQ(left.bases[i].type, right.bases[i].type);
    EXPECT_EQ(left.bases[i].revision, right.bases[i].revision);
    EXPECT_EQ(left.bases[i].used, right.bases[i].used);
  }
}

TEST(LedgerCodec, reads_back_what_it_wrote_to_the_last_billionth) {
  const limits::LedgerRecord read = read_ledger(stored(written_ledger(full_record(), compiled())), compiled()).value();
  expect_equal(read, full_record());
  EXPECT_EQ(read.resource_version, "71");
}

TEST(LedgerCodec, writes_for_people_whose_ledger_it_is) {
  const api::LedgerRecord written = written_ledger(full_record(), compiled());
  EXPECT_EQ(written.limit, (api::LimitRef{api::LimitKind::ScaleLimit, "shop", "files", "u-1"}));
  ASSERT_EQ(written.dimensions.size(), 2u);
  EXPECT_EQ(written.dimensions[0].name, "count");
  EXPECT_EQ(written.dimensions[1].name, "size");
  EXPECT_EQ(written.bases[0].resource, "artifacts");
  EXPECT_EQ(ledger_name_of(compiled()), "sl.shop.files");
}

TEST(LedgerCodec, takes_nothing_but_version_and_epoch_from_the_ledger_of_a_limit_that_was_made_anew) {
  const limits::LedgerRecord read =
      read_ledger(stored(written_ledger(full_record(), compiled())), compiled("u-2")).value();
  limits::LedgerRecord empty;
  empty.epoch = full_record().epoch;
  expect_equal(read, empty);
  EXPECT_EQ(read.resource_version, "71");
}

TEST(LedgerCodec, does_not_take_a_protocol_that_it_does_not_speak_for_an_empty_ledger) {
  api::LedgerRecord newer = written_ledger(full_record(), compiled());
  newer.protocol = api::kLedgerProtocol + 1;
  const auto read = read_ledger(stored(newer), compiled());
  ASSERT_FALSE(read) << "what is granted there would be admitted twice";
  EXPECT_EQ(read.error().code, ErrorCode::Unavailable);
  EXPECT_EQ(read.error().message.rfind("record.protocol is 2, this version speaks 1", 0), 0u) << read.error().message;
}

TEST(LedgerCodec, swaps_what_it_knows_and_lets_the_rest_be) {
  const nlohmann::json first = api::to_json(written_ledger(full_record(), compiled()));
  nlohmann::json there = {{"metadata", {{"resourceVersion", "71"}}}, {"record", first}};
  there["record"]["ofANewerVersion"] = {{"some", "thing"}};
  limits::LedgerRecord emptied = full_record();
  emptied.grants.clear();
  emptied.recalls.clear();
  emptied.bases[0].revision = 80;
  const nlohmann::json patched = there.patch(swap_patch("71", written_ledger(emptied, compiled())));
  EXPECT_EQ(patched["record"]["ofANewerVersion"], there["record"]["ofANewerVersion"]);
  EXPECT_TRUE(patched["record"]["grants"].empty()) << "none are left";
  EXPECT_TRUE(patched["record"]["recalls"].empty());
  EXPECT_EQ(patched["record"]["bases"][0]["revision"], 80);
}

TEST(LedgerCodec, keeps_the_flow_of_a_limit_in_a_ledger_of_its_own) {
  const limits::CompiledLimit limit(7, a_limit("files", {{"rate", {{"writesPerSecond", 5}}}}), {3}, {}, {}, 8);
  EXPECT_EQ(part_of(limit, 7), LedgerPart::Stored);
  EXPECT_EQ(part_of(limit, 8), LedgerPart::Flow);
  EXPECT_EQ(ledger_name_of(limit, LedgerPart::Flow), "flow.sl.shop.files");
  limits::LedgerRecord record = full_record();
  record.bases.clear();
  const api::LedgerRecord written = written_ledger(record, limit, LedgerPart::Flow);
  ASSERT_EQ(written.dimensions.size(), 2u);
  EXPECT_EQ(written.dimensions[0].name, "concurrency");
  EXPECT_EQ(written.dimensions[1].name, "rate");
  expect_equal(read_ledger(stored(written), limit).value(), record);
}

}  // namespace
}  // namespace headroom::webhook
