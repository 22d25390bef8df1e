#include "operator/lint/report.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "operator/base/xml.h"

namespace headroom::lint {
namespace {

using nlohmann::json;
using Severity = Finding::Severity;

const char* word_of(Severity severity) {
  switch (severity) {
    case Severity::Error:
      return "error";
    case Severity::Warning:
      return "warning";
    case Severity::Note:
      return "note";
  }
  return "error";
}

std::string with_remedy(const Finding& finding) {
  return absl::StrCat(finding.message, finding.remedy.empty() ? "" : "; ", finding.remedy);
}

std::string counted(std::size_t count, const char* what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::string as_text(const Report& report) {
  std::string out;
  for (const Finding& each : report.findings) {
    absl::StrAppend(&out, each.where.to_string(), ": ", word_of(each.severity), ": ");
    if (!each.object.empty()) absl::StrAppend(&out, each.object, ": ");
    if (!each.field.empty() && !each.message.starts_with(each.field)) absl::StrAppend(&out, each.field, ": ");
    absl::StrAppend(&out, with_remedy(each), " [", each.rule, "]\n");
  }
  absl::StrAppend(&out, counted(report.count(Severity::Error), "error"), ", ",
                  counted(report.count(Severity::Warning), "warning"), " in ", counted(report.objects.size(), "object"),
                  " of Headroom (", counted(report.other_objects, "other"), " looked at)\n");
  return out;
}

std::string dumped(const json& value) { return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n"; }

std::string as_json(const Report& report) {
  json findings = json::array();
  for (const Finding& each : report.findings) {
    findings.push_back({{"severity", word_of(each.severity)},
                        {"rule", each.rule},
                        {"object", each.object},
                        {"field", each.field},
                        {"file", each.where.file},
                        {"line", each.where.line},
                        {"column", each.where.column},
                        {"message", each.message},
                        {"remedy", each.remedy}});
  }
  return dumped({{"errors", report.count(Severity::Error)},
                 {"warnings", report.count(Severity::Warning)},
                 {"objects", report.objects.size()},
                 {"findings", std::move(findings)}});
}

/// A path as the reference of a URI: what may not stand in one is percent-encoded.
std::string uri_of(const std::string& path) {
  constexpr std::string_view kPlain = "-._~/!$&'()*+,;=@";
  std::string out;
  for (const char c : path) {
    const bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter || kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      absl::StrAppend(&out, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return out;
}

std::string as_sarif(const Report& report) {
  json rule_list = json::array(), results = json::array();
  std::map<std::string, std::size_t> index;
  for (const RuleDescription& each : rules()) {
    index.emplace(each.id, rule_list.size());
    rule_list.push_back({{"id", each.id}, {"shortDescription", {{"text", each.text}}}});
  }
  for (const Finding& each : report.findings) {
    json physical = {{"artifactLocation", {{"uri", uri_of(each.where.file)}}}};
    if (each.where.line > 0) {
      physical["region"] = {{"startLine", each.where.line}, {"startColumn", std::max(each.where.column, 1)}};
    }
    json location = {{"physicalLocation", std::move(physical)}};
    if (!each.object.empty()) {
      json logical = {{"fullyQualifiedName", absl::StrCat(each.object, each.field.empty() ? "" : " ", each.field)}};
      location["logicalLocations"] = json::array({std::move(logical)});
    }
    json result = {{"ruleId", each.rule},
                   {"level", word_of(each.severity)},
                   {"message", {{"text", with_remedy(each)}}},
                   {"locations", json::array({std::move(location)})}};
    if (const auto known = index.find(each.rule); known != index.end()) result["ruleIndex"] = known->second;
    results.push_back(std::move(result));
  }
  json driver = {{"name", "headroom lint"}, {"version", HEADROOM_VERSION}, {"rules", std::move(rule_list)}};
  json run = {
      {"tool", {{"driver", std::move(driver)}}}, {"columnKind", "unicodeCodePoints"}, {"results", std::move(results)}};
  return dumped({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                 {"version", "2.1.0"},
                 {"runs", json::array({std::move(run)})}});
}

struct Case {
  std::string name, file;
  int line = 0;
  std::vector<const Finding*> failures, remarks;
};

std::string as_junit(const Report& report) {
  std::vector<Case> cases;
  const auto case_of = [&](const std::string& name, const manifest::Position& where) -> Case& {
    const auto found =
        std::ranges::find_if(cases, [&](const Case& each) { return each.name == name && each.file == where.file; });
    if (found != cases.end()) return *found;
    return cases.emplace_back(Case{name, where.file, where.line, {}, {}});
  };
  for (const JudgedObject& each : report.objects) case_of(each.title, each.where);
  for (const Finding& each : report.findings) {
    Case& one = case_of(each.object.empty() ? each.where.file : each.object, each.where);
    (each.severity == Severity::Error ? one.failures : one.remarks).push_back(&each);
  }
  const auto failed = std::ranges::count_if(cases, [](const Case& each) { return !each.failures.empty(); });
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  absl::StrAppend(&out, "<testsuites>\n  <testsuite name=\"headroom lint\" tests=\"", cases.size(), "\" failures=\"",
                  failed, "\" errors=\"0\" skipped=\"0\">\n");
  for (const Case& each : cases) {
    absl::StrAppend(&out, "    <testcase classname=\"", xml_text(each.file), "\" name=\"", xml_text(each.name),
                    "\" file=\"", xml_text(each.file), "\" line=\"", each.line, "\">\n");
    if (!each.failures.empty()) {
      absl::StrAppend(&out, "      <failure type=\"", xml_text(each.failures[0]->rule), "\" message=\"",
                      xml_text(with_remedy(*each.failures[0])), "\">");
      for (const Finding* finding : each.failures) {
        absl::StrAppend(&out, xml_text(absl::StrCat(finding->where.to_string(), ": ", with_remedy(*finding), "\n")));
      }
      out += "</failure>\n";
    }
    if (!each.remarks.empty()) {
      out += "      <system-out>";
      for (const Finding* finding : each.remarks) {
        absl::StrAppend(&out, xml_text(absl::StrCat(finding->where.to_string(), ": ", word_of(finding->severity), ": ",
                                                    with_remedy(*finding), "\n")));
      }
      out += "</system-out>\n";
    }
    out += "    </testcase>\n";
  }
  return out + "  </testsuite>\n</testsuites>\n";
}

}  // namespace

std::size_t Report::count(Severity severity) const {
  return static_cast<std::size_t>(std::ranges::count(findings, severity, &Finding::severity));
}

int Report::exit_code(bool warnings_as_errors) const {
  const bool against = count(Severity::Error) > 0 || (warnings_as_errors && count(Severity::Warning) > 0);
  return against ? 1 : 0;
}

const std::vector<RuleDescription>& rules() {
  static const std::vector<RuleDescription> all = {
      {"manifest", "The file is read as kubectl reads it: well-formed, no key twice, apiVersion and kind given."},
      {"unknown-kind", "Kinds and versions of Headroom's group are those that its definitions have."},
      {"internal-kind", "Objects that Headroom keeps for itself are not applied."},
      {"twice", "An object is given once."},
      {"schema/unknown-field", "Fields are those of the definition, which kubectl asks for by strict validation."},
      {"schema/type", "Values have the type of the definition."},
      {"schema/required", "Fields that must be there are there."},
      {"schema/enum", "Values of a fixed set are one of it."},
      {"schema/pattern", "Texts have the form of the definition."},
      {"schema/range", "Numbers lie within their bounds."},
      {"schema/length", "Texts, lists and maps have a length within their bounds."},
      {"schema/format", "Texts of a format, such as date-time, are in it."},
      {"schema/duplicate", "Entries of lists have different names."},
      {"schema/metadata", "Names, namespaces, labels and annotations are what Kubernetes takes."},
      {"schema/combination", "Values fit the combination of schemas of the definition."},
      {"schema/rule", "The rules of the definition (CEL) hold."},
      {"unreadable", "The operator can read the object."},
      {"refused", "Headroom's webhook takes the object beside the others."},
      {"doubtful", "Headroom's webhook has no warning about the object beside the others."},
      {"time-zone", "Time zones are those of the IANA database."},
      {"calendar", "Calendars that schedules refer to can be read and have events."},
      {"overlap", "Phases of one schedule do not hold at once for the same target."},
      {"past", "A schedule has days to come."},
      {"rival-scaler", "Nothing else scales the workload of a ScaleTarget."},
      {"wrong-scaler", "The autoscaler that a ScaleTarget names scales its workload."},
      {"ambiguous-scaler", "One autoscaler scales the workload of a ScaleTarget."},
      {"not-judged", "Whatever cannot be judged from the files alone."},
  };
  return all;
}

std::string format(const Report& report, Format format) {
  switch (format) {
    case Format::Text:
      return as_text(report);
    case Format::Json:
      return as_json(report);
    case Format::Sarif:
      return as_sarif(report);
    case Format::JUnit:
      return as_junit(report);
  }
  return as_text(report);
}

}  // namespace headroom::lint
