#include "operator/cli/limit_check.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "operator/limits/limit_set.h"
#include "operator/limits/stored_object.h"

namespace headroom::cli {
namespace {

using nlohmann::json;

/// Of the webhook's flag --exclude-namespaces; limits' statuses tell what is in force.
std::vector<std::string> excluded_by(const api::ScaleLimit& limit) {
  std::vector<std::string> excluded = limit.status.excluded_namespaces;
  if (excluded.empty()) excluded = {"headroom-system", "kube-system"};
  std::ranges::sort(excluded);
  return excluded;
}

std::vector<std::string> selected_namespaces(const api::ScaleLimit& limit, const NamespaceLabels& namespaces) {
  std::vector<std::string> selected;
  if (!limit.spec.match.namespaces) return selected;
  for (const auto& [name, labels] : namespaces) {
    if (limit.spec.match.namespaces->matches(labels)) selected.push_back(name);
  }
  return selected;
}

std::optional<Quantity> used_of(const api::ScaleLimit& limit, const std::string& dimension) {
  const auto row = std::ranges::find(limit.status.dimensions, dimension, &api::DimensionStatus::name);
  if (row == limit.status.dimensions.end() || !row->used) return std::nullopt;
  return *row->used + row->held;
}

std::string title_of(const json& object) {
  return object.value("kind", "") + " " + api::meta_from_json(object).key().to_string();
}

}  // namespace

bool LimitCheck::fits() const {
  return std::ranges::all_of(rows, &Row::fits) &&
         std::ranges::none_of(refusals, [](const Refusal& refusal) { return refusal.enforced; });
}

LimitCheck check_limits(const std::vector<api::ScaleLimit>& limits, const std::vector<PlannedWrite>& writes,
                        const NamespaceLabels& namespaces,
                        const std::function<bool(const api::SwitchCondition&)>& switch_is_on) {
  std::map<std::tuple<std::string, std::string, std::string>, limits::TypeId> types;
  std::vector<std::shared_ptr<const limits::CompiledLimit>> compiled;
  for (std::size_t id = 0; id < limits.size(); ++id) {
    std::vector<limits::TypeId> own;
    for (const api::MatchedResource& resource : limits[id].spec.match.resources) {
      const auto next = static_cast<limits::TypeId>(types.size());
      own.push_back(types.try_emplace({resource.group, resource.version, resource.resource}, next).first->second);
    }
    compiled.push_back(std::make_shared<const limits::CompiledLimit>(
        static_cast<limits::LimitId>(id), std::make_shared<const api::ScaleLimit>(limits[id]), own,
        selected_namespaces(limits[id], namespaces), excluded_by(limits[id])));
  }
  const limits::LimitSet set(compiled);
  const auto no_standing = [](limits::LimitId, limits::TypeId, const limits::Uid&, limits::Revision) {
    return limits::Standing{};
  };
  LimitCheck check;
  std::map<limits::LimitId, limits::Amounts> adds;
  for (const PlannedWrite& write : writes) {
    const limits::StoredObject object(*write.object);
    std::optional<limits::StoredObject> existing;
    if (write.existing != nullptr) existing.emplace(*write.existing);
    limits::AskedWrite asked;
    asked.operation = existing ? api::Operation::Update : api::Operation::Create;
    asked.group = write.group;
    asked.version = write.version;
    asked.resource = write.resource;
    asked.ns = object.ns();
    asked.name = object.name();
    asked.object = &object;
    asked.old_object = existing ? &*existing : nullptr;
    const limits::Assessment told = set.assess(asked, no_standing, switch_is_on);
    const std::string title = title_of(*write.object);
    for (const limits::Finding& finding : told.findings) {
      const bool enforced = finding.limit->spec.mode == api::ScaleLimitSpec::Mode::Enforce;
      check.refusals.push_back({title, finding.message, enforced});
    }
    for (const limits::Charges* charges : {&told.charges, &told.watched}) {
      for (const limits::Charge& charge : *charges) adds[charge.limit] += charge.amounts;
    }
    if (!told.findings.empty() || !told.charges.empty() || !told.watched.empty()) ++check.matched;
  }
  for (const auto& [id, amounts] : adds) {
    const api::ScaleLimit& limit = limits[id];
    const std::vector<api::LimitDimension>& dimensions = compiled[id]->ledger_dimensions();
    for (std::size_t d = 0; d < dimensions.size(); ++d) {
      LimitCheck::Row row;
      row.limit = &limit;
      row.dimension = dimensions[d].name;
      row.used = used_of(limit, row.dimension);
      row.adds = Quantity::from_nano(amounts[d]);
      row.hard = dimensions[d].hard;
      row.format = dimensions[d].format;
      // What lowers always passes, also above the limit.
      row.fits = row.adds <= Quantity() || row.used.value_or(Quantity()) + row.adds <= row.hard;
      check.rows.push_back(std::move(row));
    }
  }
  return check;
}

std::string plural_of(const std::string& kind) {
  std::string name;
  for (const char c : kind) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto ends = [&](const char* end) { return name.ends_with(end); };
  if (ends("s") || ends("x") || ends("ch") || ends("sh")) return name + "es";
  const bool after_consonant =
      name.size() > 1 && std::string_view("aeiou").find(name[name.size() - 2]) == std::string_view::npos;
  if (ends("y") && after_consonant) return name.substr(0, name.size() - 1) + "ies";
  return name + "s";
}

}  // namespace headroom::cli
