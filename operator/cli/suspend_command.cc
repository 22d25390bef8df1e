// headroom suspend and resume: take a target or a schedule out of Headroom's hands, and give it back.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

#include "operator/cli/cluster.h"
#include "operator/cli/command.h"
#include "operator/cli/confirmation.h"
#include "operator/kube/client.h"

namespace headroom::cli {
namespace {

using nlohmann::json;

constexpr int kMostConflicts = 10;

struct SuspendFlags {
  std::string name, mode = "Hold";
  bool yes = false, dry_run = false;
};

struct Found {
  const kube::ResourceType* type = nullptr;
  json object;
};

/// "scaletarget/web", "st/web", "festivalschedule/diwali", "fest/diwali", or a name that only one kind has.
Result<Found> find(const Connection& connection, const std::string& given) {
  const std::size_t slash = given.find('/');
  const std::string kind = slash == std::string::npos ? "" : given.substr(0, slash);
  const std::string name = slash == std::string::npos ? given : given.substr(slash + 1);
  const bool target = kind == "st" || kind == "scaletarget" || kind == "scaletargets";
  const bool schedule = kind == "fest" || kind == "festivalschedule" || kind == "festivalschedules";
  if (!kind.empty() && !target && !schedule) return invalid(given + ": write st/NAME or fest/NAME");
  if (connection.ns.empty()) return invalid("--all-namespaces: one object is changed at a time; give its --namespace");
  std::vector<Found> found;
  for (const kube::ResourceType* type : {&kube::types::kScaleTarget, &kube::types::kFestivalSchedule}) {
    const bool wanted = kind.empty() || (type == &kube::types::kScaleTarget ? target : schedule);
    if (!wanted) continue;
    Result<json> object = connection.client->get(*type, {connection.ns, name}, {});
    if (object) {
      found.push_back({type, std::move(object).value()});
    } else if (object.error().code != ErrorCode::NotFound) {
      return object.error();
    }
  }
  if (found.empty()) return invalid("namespace " + connection.ns + " has no ScaleTarget or FestivalSchedule " + name);
  if (found.size() > 1)
    return invalid(name + " is a ScaleTarget and a FestivalSchedule; write st/" + name + " or fest/" + name);
  return std::move(found.front());
}

Result<ExitCode> set_suspend(const SuspendFlags& flags, const std::string& mode, const Context& context) {
  BOOST_OUTCOME_TRY(connection, connect(context));
  BOOST_OUTCOME_TRY(found, find(connection, flags.name));
  const api::ObjectMeta meta = api::meta_from_json(found.object);
  const std::string title = found.type->kind + " " + meta.key().to_string();
  const std::string now = found.object.value("spec", json::object()).value("suspend", "None");
  if (now == mode) {
    context.console.out << title << " has suspend " << mode << " already\n";
    return ExitCode::Fine;
  }
  const char* effect = mode == "Hold"      ? "its sizes stay as they are, whatever is planned"
                       : mode == "Restore" ? "its original sizes return now"
                                           : "its sizes follow the plan again";
  BOOST_OUTCOME_TRY(yes, confirmed(context.console, title + ": suspend " + now + " -> " + mode + ", " + effect + "?",
                                   flags.yes || flags.dry_run));
  if (!yes) {
    context.console.errors << "nothing is changed\n";
    return ExitCode::Attention;
  }
  kube::WriteOptions options;
  options.dry_run = flags.dry_run;
  options.field_manager = kToolManager;
  std::string version = meta.resource_version;
  for (int attempt = 1;; ++attempt) {
    const json patch = {{"metadata", {{"resourceVersion", version}}}, {"spec", {{"suspend", mode}}}};
    const Result<json> stored =
        connection.client->patch(*found.type, meta.key(), kube::PatchType::Merge, patch, {}, options);
    if (stored) break;
    if (stored.error().code != ErrorCode::Conflict) return stored.error();
    // A new status is nothing to ask about again; a new spec is: whoever changed it is to be heard first.
    BOOST_OUTCOME_TRY(again, connection.client->get(*found.type, meta.key(), {}));
    const api::ObjectMeta now_there = api::meta_from_json(again);
    if (now_there.generation != meta.generation || now_there.uid != meta.uid || attempt == kMostConflicts) {
      return invalid(title + " was changed by somebody else just now; look at it and try again");
    }
    version = now_there.resource_version;
  }
  context.console.out << title << " suspend " << mode << (flags.dry_run ? " (dry run)" : "") << '\n';
  return ExitCode::Fine;
}

void declare(CLI::App& app, SuspendFlags& flags) {
  app.add_option("name", flags.name, "st/NAME (ScaleTarget), fest/NAME (FestivalSchedule), or NAME")->required();
  app.add_flag("-y,--yes", flags.yes, "do not ask");
  app.add_flag("--dry-run", flags.dry_run, "let the API server check it, and store nothing");
}

}  // namespace

Command suspend_command() {
  return {"suspend", "Take a target or a schedule out of Headroom's hands", [](CLI::App& app) -> Run {
            auto flags = std::make_shared<SuspendFlags>();
            declare(app, *flags);
            app.add_option("--mode", flags->mode, "Hold: sizes stay; Restore: originals return")
                ->capture_default_str()
                ->check(CLI::IsMember({"Hold", "Restore"}));
            return [flags](const Context& context) { return set_suspend(*flags, flags->mode, context); };
          }};
}

Command resume_command() {
  return {"resume", "Give a suspended target or schedule back to the plan", [](CLI::App& app) -> Run {
            auto flags = std::make_shared<SuspendFlags>();
            declare(app, *flags);
            return [flags](const Context& context) { return set_suspend(*flags, "None", context); };
          }};
}

}  // namespace headroom::cli
