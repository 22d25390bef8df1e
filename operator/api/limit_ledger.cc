#include "operator/api/limit_ledger.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/api/json_reader.h"
#include "operator/api/json_writer.h"
#include "operator/api/scale_limit_names.h"

namespace headroom::api {
namespace {

using nlohmann::json;

/// Amounts may not be missing: reading one as 0 would lend the same budget twice.
Amounts read_amounts(const JsonReader& reader, const char* field, std::size_t dimensions) {
  Amounts amounts = reader.quantities(field);
  if (amounts.size() != dimensions) {
    reader.fail(field, absl::StrCat("has ", amounts.size(), " amounts, but there are ", dimensions, " dimensions"));
  }
  if (std::ranges::any_of(amounts, [](Quantity amount) { return amount < Quantity(); })) {
    reader.fail(field, "must not have negative amounts");
  }
  return amounts;
}

LimitRef read_limit_ref(const JsonReader& reader) {
  if (!reader.has("kind")) reader.fail("kind", "must be one of ScaleLimit, ClusterScaleLimit, not absent");
  return {reader.choice("kind", kLimitKinds, LimitKind::ScaleLimit), reader.text("namespace"),
          reader.required_text("name"), reader.required_text("uid")};
}

LedgerBase read_base(const JsonReader& reader, std::size_t dimensions) {
  return {reader.text("group"), reader.required_text("version"), reader.required_text("resource"),
          reader.required_counter("revision"), read_amounts(reader, "used", dimensions)};
}

RecallId read_recall_id(const JsonReader& reader) {
  return {reader.required_time("raised"), reader.required_text("holder"), reader.required_counter("epoch"),
          reader.required_counter("sequence")};
}

Grant read_grant(const JsonReader& reader, std::size_t dimensions) {
  Grant grant{reader.required_text("holder"),
              reader.required_counter("epoch"),
              read_amounts(reader, "granted", dimensions),
              reader.required_counter("sequence"),
              reader.required_counter("generation"),
              std::nullopt};
  reader.object("recallAck", [&](const JsonReader& ack) { grant.recall_ack = read_recall_id(ack); });
  return grant;
}

/// Two entries of one key would be counted once by one reader and twice by another.
template <class Entry, class Key>
void require_unique(const JsonReader& reader, const char* field, const std::vector<Entry>& entries, Key key) {
  for (auto it = entries.begin(); it != entries.end(); ++it) {
    if (std::any_of(entries.begin(), it, [&](const Entry& other) { return key(other) == key(*it); })) {
      reader.fail(field, "has two entries of " + key(*it));
    }
  }
}

LedgerRecord read_record(const JsonReader& reader) {
  LedgerRecord record;
  record.protocol = reader.integer("protocol", 0, {.low = 1});
  if (!reader.has("protocol")) reader.fail("protocol", "must be given");
  if (!reader.has("limitRef")) reader.fail("limitRef", "must be given");
  reader.object("limitRef", [&](const JsonReader& ref) { record.limit = read_limit_ref(ref); });
  record.generation = reader.required_counter("generation");
  record.selection_epoch = reader.required_counter("selectionEpoch");
  record.selection = reader.text("selection");
  record.enforced_since = reader.time("enforcedSince");
  reader.list("dimensions", [&](const JsonReader& item) {
    record.dimensions.push_back({item.required_text("name"), item.required_quantity("hard")});
  });
  const std::size_t dimensions = record.dimensions.size();
  reader.list("bases", [&](const JsonReader& item) { record.bases.push_back(read_base(item, dimensions)); });
  reader.list("grants", [&](const JsonReader& item) { record.grants.push_back(read_grant(item, dimensions)); });
  reader.list("recalls", [&](const JsonReader& item) { record.recalls.push_back(read_recall_id(item)); });
  require_unique(reader, "dimensions", record.dimensions, [](const LedgerDimension& entry) { return entry.name; });
  require_unique(reader, "bases", record.bases, [](const LedgerBase& entry) {
    return absl::StrCat(entry.group, "/", entry.version, "/", entry.resource);
  });
  const auto life = [](const auto& entry) { return absl::StrCat(entry.holder, " in epoch ", entry.epoch); };
  require_unique(reader, "grants", record.grants, life);
  require_unique(reader, "recalls", record.recalls, life);
  return record;
}

json limit_ref_json(const LimitRef& limit) {
  json object = {{"kind", to_string(limit.kind)}, {"name", limit.name}, {"uid", limit.uid}};
  put(object, "namespace", limit.ns);
  return object;
}

}  // namespace

std::string ledger_name(LimitKind kind, const ObjectKey& limit) {
  return kind == LimitKind::ClusterScaleLimit ? "csl." + limit.name : absl::StrCat("sl.", limit.ns, ".", limit.name);
}

Result<LimitLedger> limit_ledger_from_json(const json& object) {
  JsonFault fault;
  const JsonReader reader(object, "", fault);
  LimitLedger ledger;
  ledger.meta = meta_from_json(object);
  if (!reader.has("record")) reader.fail("record", "must be given");
  reader.object("record", [&](const JsonReader& record) { ledger.record = read_record(record); });
  if (fault.found()) return fault.error();
  return ledger;
}

json to_json(const LedgerRecord& record) {
  json object = {{"protocol", record.protocol},
                 {"limitRef", limit_ref_json(record.limit)},
                 {"generation", record.generation},
                 {"selectionEpoch", record.selection_epoch}};
  put(object, "selection", record.selection);
  if (record.enforced_since) object["enforcedSince"] = format_rfc3339_micro(*record.enforced_since);
  put_list(object, "dimensions", record.dimensions, [](const LedgerDimension& dimension) {
    return json{{"name", dimension.name}, {"hard", dimension.hard.canonical()}};
  });
  const auto entry_json = [](const auto& entry) { return to_json(entry); };
  put_list(object, "bases", record.bases, entry_json);
  put_list(object, "grants", record.grants, entry_json);
  put_list(object, "recalls", record.recalls, entry_json);
  return object;
}

json to_json(const LedgerBase& base) {
  json object = {{"version", base.version},
                 {"resource", base.resource},
                 {"revision", base.revision},
                 {"used", amounts_json(base.used)}};
  put(object, "group", base.group);
  return object;
}

json to_json(const Grant& grant) {
  json object = {{"holder", grant.holder},
                 {"epoch", grant.epoch},
                 {"granted", amounts_json(grant.granted)},
                 {"sequence", grant.sequence},
                 {"generation", grant.generation}};
  if (grant.recall_ack) object["recallAck"] = to_json(*grant.recall_ack);
  return object;
}

json to_json(const RecallId& recall) {
  return {{"raised", format_rfc3339_micro(recall.raised)},
          {"holder", recall.holder},
          {"epoch", recall.epoch},
          {"sequence", recall.sequence}};
}

json amounts_json(const Amounts& amounts) {
  json list = json::array();
  for (const Quantity amount : amounts) list.push_back(amount.canonical());
  return list;
}

}  // namespace headroom::api
