#include "webhook/app/ledger_codec.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

namespace headroom::webhook {
namespace {

using limits::CompiledLimit;

limits::Amounts read_amounts(const api::Amounts& amounts) {
  limits::Amounts read(amounts.size());
  for (std::size_t i = 0; i < amounts.size(); ++i) read.at(i) = amounts[i].nano();
  return read;
}

/// One amount per dimension, as the API wants them.
api::Amounts written_amounts(const limits::Amounts& amounts, std::size_t dimensions) {
  api::Amounts written;
  for (std::size_t i = 0; i < dimensions; ++i) written.push_back(Quantity::from_nano(amounts[i]));
  return written;
}

limits::RecallId read_recall(const api::RecallId& recall) {
  return {absl::ToUnixMicros(recall.raised), {recall.holder, recall.epoch}, recall.sequence};
}

api::RecallId written_recall(const limits::RecallId& recall) {
  return {absl::FromUnixMicros(recall.raised), recall.holder.name, recall.holder.epoch, recall.sequence};
}

std::vector<std::string> dimension_names(const CompiledLimit& limit, LedgerPart part) {
  if (part == LedgerPart::Flow) return {api::kConcurrencyDimension, api::kRateDimension};
  std::vector<std::string> names;
  for (const api::LimitDimension& dimension : limit.ledger_dimensions()) names.push_back(dimension.name);
  return names;
}

std::optional<limits::TypeId> type_of(const api::LedgerBase& base, const CompiledLimit& limit) {
  const auto& resources = limit.limit().spec.match.resources;
  for (std::size_t i = 0; i < resources.size(); ++i) {
    if (resources[i].group == base.group && resources[i].version == base.version &&
        resources[i].resource == base.resource) {
      return limit.types()[i];
    }
  }
  return std::nullopt;
}

api::LedgerBase written_base(const limits::Base& base, const CompiledLimit& limit, std::size_t dimensions) {
  const auto place = std::ranges::find(limit.types(), base.type) - limit.types().begin();
  const api::MatchedResource& resource = limit.limit().spec.match.resources[static_cast<std::size_t>(place)];
  return {resource.group, resource.version, resource.resource, base.revision, written_amounts(base.used, dimensions)};
}

}  // namespace

LedgerPart part_of(const CompiledLimit& limit, limits::LimitId id) {
  return limit.flow() == id ? LedgerPart::Flow : LedgerPart::Stored;
}

std::string ledger_name_of(const CompiledLimit& limit, LedgerPart part) {
  const std::string name = api::ledger_name(limit.limit().kind, limit.limit().meta.key());
  return part == LedgerPart::Flow ? flow_ledger_name(name) : name;
}

std::string flow_ledger_name(const std::string& stored) { return "flow." + stored; }

Result<limits::LedgerRecord> read_ledger(const api::LimitLedger& ledger, const CompiledLimit& limit) {
  const api::LedgerRecord& stored = ledger.record;
  limits::LedgerRecord record;
  record.resource_version = ledger.meta.resource_version;
  record.epoch = stored.selection_epoch;
  if (stored.protocol > api::kLedgerProtocol) {
    return Error{ErrorCode::Unavailable,
                 absl::StrCat("record.protocol is ", stored.protocol, ", this version speaks ", api::kLedgerProtocol,
                              ": newer replicas will lower it while this one lives; where none runs any more, delete "
                              "the LimitLedger"),
                 0,
                 {}};
  }
  if (stored.limit.uid != limit.limit().meta.uid) return record;
  record.generation = stored.generation;
  record.selection = stored.selection;
  record.hard = limits::Amounts(stored.dimensions.size());
  for (std::size_t i = 0; i < stored.dimensions.size(); ++i) record.hard.at(i) = stored.dimensions[i].hard.nano();
  for (const api::LedgerBase& base : stored.bases) {
    // Of types that the limit does not match any more; a swap leaves them out.
    if (const auto type = type_of(base, limit)) record.bases.push_back({*type, base.revision, read_amounts(base.used)});
  }
  for (const api::Grant& grant : stored.grants) {
    record.grants.push_back({{grant.holder, grant.epoch},
                             read_amounts(grant.granted),
                             grant.sequence,
                             grant.generation,
                             grant.recall_ack ? read_recall(*grant.recall_ack) : limits::RecallId{}});
  }
  for (const api::RecallId& recall : stored.recalls) record.recalls.push_back(read_recall(recall));
  return record;
}

api::LedgerRecord written_ledger(const limits::LedgerRecord& record, const CompiledLimit& limit, LedgerPart part) {
  const api::ScaleLimit& from = limit.limit();
  const std::vector<std::string> names = dimension_names(limit, part);
  const std::size_t dimensions = names.size();
  api::LedgerRecord written;
  written.limit = {from.kind, from.meta.ns, from.meta.name, from.meta.uid};
  written.generation = record.generation;
  written.selection_epoch = record.epoch;
  written.selection = record.selection;
  for (std::size_t i = 0; i < dimensions; ++i) {
    written.dimensions.push_back({names[i], Quantity::from_nano(record.hard[i])});
  }
  for (const limits::Base& base : record.bases) written.bases.push_back(written_base(base, limit, dimensions));
  for (const limits::Grant& grant : record.grants) {
    api::Grant one{grant.holder.name, grant.holder.epoch, written_amounts(grant.granted, dimensions),
                   grant.sequence,    grant.generation,   std::nullopt};
    if (grant.recall_ack != limits::RecallId{}) one.recall_ack = written_recall(grant.recall_ack);
    written.grants.push_back(std::move(one));
  }
  for (const limits::RecallId& recall : record.recalls) written.recalls.push_back(written_recall(recall));
  return written;
}

nlohmann::json swap_patch(const std::string& condition, const api::LedgerRecord& record) {
  using nlohmann::json;
  json members = api::to_json(record);
  // What is left out where it is empty must not stay as it was.
  for (const char* const list : {"dimensions", "bases", "grants", "recalls"}) members.emplace(list, json::array());
  json patch = json::array({{{"op", "replace"}, {"path", "/metadata/resourceVersion"}, {"value", condition}}});
  for (auto& [member, value] : members.items()) {
    patch.push_back({{"op", "add"}, {"path", absl::StrCat("/record/", member)}, {"value", std::move(value)}});
  }
  return patch;
}

}  // namespace headroom::webhook
