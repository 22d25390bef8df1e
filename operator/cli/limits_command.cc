// headroom limits: how full limits are, who holds what of them; and whether a set of objects would fit.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>

#include "operator/api/limit_ledger.h"
#include "operator/cli/cluster.h"
#include "operator/cli/command.h"
#include "operator/cli/limit_check.h"
#include "operator/cli/planning_source.h"
#include "operator/cli/text_table.h"
#include "operator/cli/yaml_text.h"
#include "operator/kube/client.h"
#include "operator/plan/text.h"

namespace headroom::cli {
namespace {

using nlohmann::json;
using plan::concat;

struct LimitsFlags {
  std::string name, system_namespace = "headroom-system";
  std::vector<std::string> files;
  bool recursive = false, offline = false;
  CLI::App* check = nullptr;
};

std::string short_name(const api::ScaleLimit& limit) {
  return concat(limit.kind == api::LimitKind::ScaleLimit ? "sl/" : "csl/", limit.meta.key().to_string());
}

Tone tone_of(api::LimitLevel level) {
  if (level == api::LimitLevel::Green) return Tone::Good;
  return level == api::LimitLevel::Red ? Tone::Bad : Tone::Attention;
}

Result<std::vector<api::ScaleLimit>> read_limits(const Connection& connection) {
  std::vector<api::ScaleLimit> all;
  BOOST_OUTCOME_TRY(own, list_if_served(*connection.client, kube::types::kScaleLimit, connection.ns));
  for (const json& object : own) {
    BOOST_OUTCOME_TRY(limit, api::scale_limit_from_json(object));
    all.push_back(std::move(limit));
  }
  BOOST_OUTCOME_TRY(wide, list_if_served(*connection.client, kube::types::kClusterScaleLimit, ""));
  for (const json& object : wide) {
    BOOST_OUTCOME_TRY(limit, api::cluster_scale_limit_from_json(object));
    all.push_back(std::move(limit));
  }
  return all;
}

using Ledgers = std::map<std::string, api::LimitLedger>;

/// Ledgers are Headroom's own; whoever may not read them sees the rest.
Ledgers read_ledgers(const Connection& connection, const std::string& ns) {
  Ledgers ledgers;
  const auto all = list_if_served(*connection.client, kube::types::kLimitLedger, ns);
  if (!all) return ledgers;
  for (const json& object : all.value()) {
    auto ledger = api::limit_ledger_from_json(object);
    if (ledger) ledgers.emplace(ledger.value().meta.name, std::move(ledger).value());
  }
  return ledgers;
}

json limit_json(const api::ScaleLimit& limit, const Ledgers& ledgers) {
  json out = {{"kind", api::to_string(limit.kind)},
              {"namespace", limit.meta.ns},
              {"name", limit.meta.name},
              {"mode", api::to_string(limit.spec.mode)},
              {"level", api::to_string(limit.status.level)},
              {"paused", limit.status.paused.has_value()},
              {"halted", limit.status.halted.has_value()},
              {"dimensions", json::array()},
              {"holders", json::array()}};
  for (const api::DimensionStatus& row : limit.status.dimensions) {
    json one = {{"name", row.name},
                {"hard", row.hard.canonical(row.format)},
                {"held", row.held.canonical(row.format)},
                {"level", api::to_string(row.level)}};
    if (row.used) one["used"] = row.used->canonical(row.format);
    if (row.percent) one["percent"] = *row.percent;
    out["dimensions"].push_back(std::move(one));
  }
  const auto ledger = ledgers.find(api::ledger_name(limit.kind, limit.meta.key()));
  if (ledger == ledgers.end()) return out;
  for (const api::Grant& grant : ledger->second.record.grants) {
    out["holders"].push_back(
        {{"holder", grant.holder}, {"epoch", grant.epoch}, {"granted", api::amounts_json(grant.granted)}});
  }
  return out;
}

std::string limits_text(const std::vector<api::ScaleLimit>& limits, const Ledgers& ledgers, bool holders,
                        bool colours) {
  if (limits.empty()) return "no ScaleLimit and no ClusterScaleLimit\n";
  TextTable table({"LIMIT", "MODE", "DIMENSION", "USED", "HELD", "HARD", "PERCENT", "LEVEL", "WRITES"});
  TextTable granted({"LIMIT", "HOLDER", "DIMENSION", "LENT"});
  for (const api::ScaleLimit& limit : limits) {
    const char* writes = limit.status.halted ? "halted" : limit.status.paused ? "paused" : "";
    for (const api::DimensionStatus& row : limit.status.dimensions) {
      table.add({short_name(limit),
                 api::to_string(limit.spec.mode),
                 row.name,
                 row.used ? row.used->canonical(row.format) : "unknown",
                 row.held.canonical(row.format),
                 row.hard.canonical(row.format),
                 row.percent ? concat(*row.percent, "%") : std::string(),
                 {api::to_string(row.level), tone_of(row.level)},
                 {writes, Tone::Bad}});
    }
    if (limit.status.dimensions.empty()) {
      table.add({short_name(limit),
                 api::to_string(limit.spec.mode),
                 "",
                 "",
                 "",
                 "",
                 "",
                 {api::to_string(limit.status.level), tone_of(limit.status.level)},
                 {writes, Tone::Bad}});
    }
    const auto ledger = ledgers.find(api::ledger_name(limit.kind, limit.meta.key()));
    if (ledger == ledgers.end()) continue;
    const api::LedgerRecord& record = ledger->second.record;
    for (const api::Grant& grant : record.grants) {
      for (std::size_t d = 0; d < grant.granted.size() && d < record.dimensions.size(); ++d) {
        granted.add({short_name(limit), grant.holder, record.dimensions[d].name, grant.granted[d].canonical()});
      }
    }
  }
  std::string out = table.to_text(colours);
  if (holders && !granted.empty()) out += "\nHOLDERS (lent to webhook replicas)\n" + granted.to_text(colours);
  return out;
}

Result<ExitCode> show(const LimitsFlags& flags, const Context& context) {
  BOOST_OUTCOME_TRY(output, output_of(context.flags, {Output::Table, Output::Wide, Output::Json, Output::Yaml}));
  BOOST_OUTCOME_TRY(connection, connect(context));
  BOOST_OUTCOME_TRY(limits, read_limits(connection));
  if (!flags.name.empty()) {
    std::erase_if(limits, [&](const api::ScaleLimit& limit) { return limit.meta.name != flags.name; });
    if (limits.empty()) return invalid("there is no limit " + flags.name);
  }
  const Ledgers ledgers = read_ledgers(connection, flags.system_namespace);
  if (output == Output::Json || output == Output::Yaml) {
    json out = json::array();
    for (const api::ScaleLimit& limit : limits) out.push_back(limit_json(limit, ledgers));
    const json list = {{"limits", std::move(out)}};
    context.console.out << (output == Output::Json ? list.dump(2) + "\n" : yaml_text(list));
  } else {
    const bool holders = output == Output::Wide || !flags.name.empty();
    context.console.out << limits_text(limits, ledgers, holders, context.console.colours);
  }
  const bool full = std::ranges::any_of(limits, [](const api::ScaleLimit& limit) {
    return limit.status.level == api::LimitLevel::Red || limit.status.paused || limit.status.halted;
  });
  return full ? ExitCode::Attention : ExitCode::Fine;
}

/// The files and what is stored under the same names.
struct Candidates {
  std::vector<json> objects;
  std::vector<std::optional<json>> existing;
  std::vector<kube::ResourceType> types;
};

std::pair<std::string, std::string> group_and_version(const std::string& api_version) {
  const std::size_t slash = api_version.find('/');
  if (slash == std::string::npos) return {"", api_version};
  return {api_version.substr(0, slash), api_version.substr(slash + 1)};
}

Result<kube::ResourceType> type_of(const json& object, const Connection* connection) {
  const std::string api_version = object.value("apiVersion", ""), kind = object.value("kind", "");
  if (connection != nullptr) {
    Result<kube::ResourceType> served = connection->client->resource_for(api_version, kind, {});
    // A kind whose definition is among the files is not served yet.
    if (served || served.error().code != ErrorCode::NotFound) return served;
  }
  const auto [group, version] = group_and_version(api_version);
  return kube::ResourceType{group, version, plural_of(kind), kind, true};
}

void replace_limit(std::vector<api::ScaleLimit>& limits, api::ScaleLimit limit) {
  const auto same = std::ranges::find_if(limits, [&](const api::ScaleLimit& other) {
    return other.kind == limit.kind && other.meta.key() == limit.meta.key();
  });
  if (same == limits.end()) {
    limits.push_back(std::move(limit));
  } else {
    limit.status = same->status;
    *same = std::move(limit);
  }
}

json check_json(const LimitCheck& check) {
  json out = {
      {"fits", check.fits()}, {"matched", check.matched}, {"dimensions", json::array()}, {"refusals", json::array()}};
  for (const LimitCheck::Row& row : check.rows) {
    json one = {{"limit", short_name(*row.limit)},
                {"dimension", row.dimension},
                {"adds", row.adds.canonical(row.format)},
                {"hard", row.hard.canonical(row.format)},
                {"fits", row.fits}};
    if (row.used) one["used"] = row.used->canonical(row.format);
    out["dimensions"].push_back(std::move(one));
  }
  for (const LimitCheck::Refusal& refusal : check.refusals) {
    out["refusals"].push_back(
        {{"object", refusal.object}, {"message", refusal.message}, {"enforced", refusal.enforced}});
  }
  return out;
}

std::string check_text(const LimitCheck& check, std::size_t objects, bool colours) {
  std::string out = concat(objects, " objects, ", check.matched, " within limits: ");
  out += check.fits() ? toned("they fit", Tone::Good, colours) : toned("they do not fit", Tone::Bad, colours);
  out += "\n";
  TextTable table({"LIMIT", "DIMENSION", "USED", "ADDS", "HARD", "FITS"});
  for (const LimitCheck::Row& row : check.rows) {
    table.add({short_name(*row.limit),
               row.dimension,
               row.used ? row.used->canonical(row.format) : "unknown",
               row.adds.canonical(row.format),
               row.hard.canonical(row.format),
               {row.fits ? "yes" : "no", row.fits ? Tone::Good : Tone::Bad}});
  }
  if (!table.empty()) out += "\n" + table.to_text(colours);
  for (const LimitCheck::Refusal& refusal : check.refusals) {
    out += concat(refusal.enforced ? "refused: " : "warned: ", refusal.object, ": ", refusal.message, "\n");
  }
  return out;
}

Result<ExitCode> check(const LimitsFlags& flags, const Context& context) {
  BOOST_OUTCOME_TRY(output, output_of(context.flags, {Output::Table, Output::Wide, Output::Json, Output::Yaml}));
  BOOST_OUTCOME_TRY(read, read_files(flags.files, flags.recursive, context.console));
  std::optional<Connection> connection;
  std::vector<api::ScaleLimit> limits;
  if (!flags.offline) {
    BOOST_OUTCOME_TRY(made, connect(context));
    made.ns.clear();  // the objects say where they go
    BOOST_OUTCOME_TRY(stored, read_limits(made));
    limits = std::move(stored);
    connection = std::move(made);
  }
  Candidates candidates;
  NamespaceLabels namespaces;
  std::map<api::ObjectKey, json> config_maps;
  const std::string default_namespace = !context.flags.ns.empty() ? context.flags.ns
                                        : connection              ? connection->config.default_namespace
                                                                  : "default";
  for (json& object : read) {
    const std::string kind = object.value("kind", "");
    if (kind == "ScaleLimit" || kind == "ClusterScaleLimit") {
      auto limit =
          kind == "ScaleLimit" ? api::scale_limit_from_json(object) : api::cluster_scale_limit_from_json(object);
      if (!limit) return limit.error();
      replace_limit(limits, std::move(limit).value());
      continue;
    }
    BOOST_OUTCOME_TRY(type, type_of(object, connection ? &*connection : nullptr));
    json& metadata = object["metadata"];
    if (type.namespaced && metadata.value("namespace", "").empty()) metadata["namespace"] = default_namespace;
    const api::ObjectMeta meta = api::meta_from_json(object);
    if (kind == "Namespace") namespaces[meta.name] = meta.labels;
    if (kind == "ConfigMap") config_maps[meta.key()] = object;
    std::optional<json> existing;
    if (connection && !meta.name.empty()) {
      Result<json> found = connection->client->get(type, meta.key(), {});
      if (found) existing = std::move(found).value();
      if (!found && found.error().code != ErrorCode::NotFound) return found.error();
    }
    candidates.objects.push_back(std::move(object));
    candidates.existing.push_back(std::move(existing));
    candidates.types.push_back(type);
  }
  if (connection) {
    const auto all = list_all(*connection->client, kube::types::kNamespace, "");
    if (all) {
      for (const json& one : all.value()) {
        const api::ObjectMeta meta = api::meta_from_json(one);
        namespaces.try_emplace(meta.name, meta.labels);
      }
    }
  }
  std::vector<PlannedWrite> writes;
  for (std::size_t i = 0; i < candidates.objects.size(); ++i) {
    const kube::ResourceType& type = candidates.types[i];
    const std::optional<json>& existing = candidates.existing[i];
    writes.push_back({&candidates.objects[i], existing ? &*existing : nullptr, type.group, type.version, type.plural});
  }
  const auto switch_is_on = [&](const api::SwitchCondition& wanted) {
    const api::ObjectKey key{wanted.ns, wanted.config_map};
    if (!config_maps.contains(key) && connection) {
      Result<json> found = connection->client->get(kube::types::kConfigMap, key, {});
      config_maps.emplace(key, found ? std::move(found).value() : json::object());
    }
    const auto map = config_maps.find(key);
    return map != config_maps.end() && map->second.value("data", json::object()).value(wanted.key, "") == wanted.value;
  };
  const LimitCheck told = check_limits(limits, writes, namespaces, switch_is_on);
  if (output == Output::Json) {
    context.console.out << check_json(told).dump(2) << '\n';
  } else if (output == Output::Yaml) {
    context.console.out << yaml_text(check_json(told));
  } else {
    context.console.out << check_text(told, writes.size(), context.console.colours);
  }
  return told.fits() ? ExitCode::Fine : ExitCode::Attention;
}

}  // namespace

Command limits_command() {
  return {"limits", "How full limits are, and whether objects would fit (limits check -f)", [](CLI::App& app) -> Run {
            auto flags = std::make_shared<LimitsFlags>();
            app.add_option("--name", flags->name, "one limit, with its holders");
            app.add_option("--system-namespace", flags->system_namespace, "where ledgers lie")->capture_default_str();
            flags->check = app.add_subcommand("check", "Whether a set of objects would fit; exit code 1 when not");
            flags->check->fallthrough();
            flags->check->add_option("-f,--filename", flags->files, "files or folders; - reads standard input")
                ->required()
                ->allow_extra_args(false);
            flags->check->add_flag("-R,--recursive", flags->recursive, "subfolders too");
            flags->check->add_flag("--offline", flags->offline, "against the limits among the files alone");
            return [flags](const Context& context) {
              return flags->check->parsed() ? check(*flags, context) : show(*flags, context);
            };
          }};
}

}  // namespace headroom::cli
