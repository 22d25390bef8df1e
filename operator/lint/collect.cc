// Each object for itself: is it of a known kind, does its definition take it, does the operator read it?
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "operator/lint/collection.h"
#include "operator/schema/definitions.h"

namespace headroom::lint {
namespace {

using manifest::Document;
using nlohmann::json;
using schema::Violation;
using Severity = Finding::Severity;

/// The front of a message that names the field it is about: "spec.phases[2].from" of "spec.phases[2].from: ...".
std::string field_in(const std::string& message) {
  for (const char* root : {"spec.", "metadata."}) {
    if (!message.starts_with(root)) continue;
    std::string field = message.substr(0, message.find_first_of(" :,;"));
    while (field.ends_with('.')) field.pop_back();
    return field;
  }
  return "";
}

std::string without_field(const std::string& message, const std::string& field) {
  const std::string front = field + ": ";
  return !field.empty() && message.starts_with(front) ? message.substr(front.size()) : message;
}

class Collector {
 public:
  Collector(const Options& options, Findings& findings, Report& report)
      : options_(options), findings_(findings), report_(report) {
    cel_options_.zones = options.zones;
  }

  void take(const Document& document) {
    if (document.group() == api::kGroup) {
      take_own(document);
      return;
    }
    warn_of_misspelt_group(document);
    ++report_.other_objects;
    collection_.others.push_back(&document);
    if (document.kind() == "Namespace" && document.group().empty()) take_namespace(document);
  }

  Collection finish() {
    validation::Snapshot& all = collection_.snapshot;
    all.own_namespace = options_.own_namespace;
    all.excluded_namespaces = options_.excluded_namespaces;
    for (const auto& each : collection_.regions) all.regions.push_back(each.object);
    for (const auto& each : collection_.targets) all.targets.push_back(each.object);
    for (const auto& each : collection_.schedules) all.schedules.push_back(each.object);
    for (const auto& each : collection_.limits) all.limits.push_back(each.object);
    return std::move(collection_);
  }

 private:
  void take_own(const Document& document) {
    report_.objects.push_back({document.title(), document.start()});
    const auto& definitions = schema::Definitions::own();
    const schema::Definition* definition = definitions.find(document.group(), document.version(), document.kind());
    if (!definition) {
      unknown_kind(document);
      return;
    }
    if (definition->kind == "LimitLedger") {
      findings_.add(Severity::Warning, "internal-kind", document, "kind",
                    "a LimitLedger is written by the webhook alone; what is applied here takes away what replicas hold",
                    "remove it");
    }
    const schema::Judgement judgement = schema::judge(*definition, document.object(), cel_options_);
    for (const Violation& violation : judgement.violations) say(document, violation);
    for (const std::string& skipped : judgement.skipped) {
      findings_.add(Severity::Note, "not-judged", document, skipped.substr(0, skipped.find(": ")),
                    absl::StrCat("a rule about changes cannot be judged without the object as it is now: ", skipped));
    }
    if (!is_first(document, *definition)) return;
    if (judgement.violations.empty()) decode(document, *definition, *judgement.object);
  }

  void unknown_kind(const Document& document) {
    std::vector<std::string> kinds;
    for (const schema::Definition& each : schema::Definitions::own().all()) {
      if (each.kind == document.kind()) {
        findings_.add(Severity::Error, "unknown-kind", document, "apiVersion",
                      absl::StrCat("there is no version ", document.version(), " of ", each.kind),
                      absl::StrCat("write ", each.group, "/", each.version));
        return;
      }
      kinds.push_back(each.kind);
    }
    const std::string meant = schema::nearest(document.kind(), kinds);
    findings_.add(Severity::Error, "unknown-kind", document, "kind",
                  absl::StrCat("there is no kind ", document.kind(), " in group ", api::kGroup),
                  meant.empty() ? "" : absl::StrCat("did you mean ", meant, "?"));
  }

  void warn_of_misspelt_group(const Document& document) {
    if (document.group().find("headroom") == std::string::npos) return;
    for (const schema::Definition& each : schema::Definitions::own().all()) {
      if (each.kind != document.kind()) continue;
      findings_.add(Severity::Error, "unknown-kind", document, "apiVersion",
                    absl::StrCat("there is no group ", document.group(), " with a kind ", each.kind),
                    absl::StrCat("did you mean ", each.group, "/", each.version, "?"));
      return;
    }
  }

  void say(const Document& document, const Violation& violation) {
    std::string field = violation.field;
    // A rule at the root has no field of its own; its message says what it is about.
    if (field.empty()) field = field_in(violation.message);
    const std::string rule = absl::StrCat("schema/", schema::to_string(violation.kind));
    findings_.add(Severity::Error, rule.c_str(), document, field, violation.message, violation.remedy,
                  violation.kind == Violation::Kind::UnknownField);
  }

  bool is_first(const Document& document, const schema::Definition& definition) {
    const std::string ns = definition.namespaced ? namespace_of(document, options_) : "";
    const bool named = document.object().contains(json::json_pointer("/metadata/name"));
    if (!named) return true;
    const auto [first, is_new] = seen_.emplace(std::make_tuple(document.kind(), ns, document.name()), &document);
    if (is_new) return true;
    findings_.add(Severity::Warning, "twice", document, "metadata.name",
                  absl::StrCat("the same object stands at ", first->second->start().to_string(),
                               ", too; whichever is applied last counts"),
                  "keep one, or check the two sets on their own");
    return false;
  }

  template <class T>
  void keep(const Document& document, Result<T> decoded, std::vector<Read<T>>& into) {
    if (decoded) {
      into.push_back({std::make_shared<const T>(std::move(decoded).value()), &document});
      return;
    }
    const std::string field = field_in(decoded.error().message);
    findings_.add(Severity::Error, "unreadable", document, field, without_field(decoded.error().message, field));
  }

  void decode(const Document& document, const schema::Definition& definition, json object) {
    if (definition.namespaced) object["metadata"]["namespace"] = namespace_of(document, options_);
    const std::string& kind = definition.kind;
    if (kind == "Region") {
      keep(document, api::region_from_json(object), collection_.regions);
    } else if (kind == "ScaleTarget") {
      keep(document, api::scale_target_from_json(object), collection_.targets);
    } else if (kind == "FestivalSchedule") {
      keep(document, api::festival_schedule_from_json(object), collection_.schedules);
    } else if (kind == "ScaleLimit") {
      keep(document, api::scale_limit_from_json(object), collection_.limits);
    } else if (kind == "ClusterScaleLimit") {
      keep(document, api::cluster_scale_limit_from_json(object), collection_.limits);
    }
  }

  void take_namespace(const Document& document) {
    auto& labels = collection_.snapshot.namespace_labels[document.name()];
    labels = api::meta_from_json(document.object()).labels;
    labels["kubernetes.io/metadata.name"] = document.name();  // as the API server adds it
  }

  const Options& options_;
  Findings& findings_;
  Report& report_;
  cel::Options cel_options_;
  Collection collection_;
  std::map<std::tuple<std::string, std::string, std::string>, const Document*> seen_;
};

}  // namespace

void Findings::add(Finding finding) {
  if (finding.severity == Severity::Note && !options_.notes) return;
  report_.findings.push_back(std::move(finding));
}

void Findings::add(Severity severity, const char* rule, const Document& document, const std::string& field,
                   std::string message, std::string remedy, bool at_key) {
  add({severity, rule, document.title(), field, at_key ? document.where_key(field) : document.where(field),
       std::move(message), std::move(remedy)});
}

std::string namespace_of(const Document& document, const Options& options) {
  return document.ns().empty() ? options.default_namespace : document.ns();
}

const Document* find_other(const Collection& collection, const Options& options, const std::string& kind,
                           const std::string& ns, const std::string& name) {
  const auto found = std::ranges::find_if(collection.others, [&](const Document* each) {
    return each->kind() == kind && each->name() == name && namespace_of(*each, options) == ns;
  });
  return found == collection.others.end() ? nullptr : *found;
}

Collection collect(const std::vector<Document>& documents, const Options& options, Findings& findings, Report& report) {
  Collector collector(options, findings, report);
  for (const Document& each : documents) collector.take(each);
  return collector.finish();
}

}  // namespace headroom::lint
