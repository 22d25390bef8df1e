#include "tests/e2e/audit_log.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <ostream>
#include <utility>

namespace headroom::e2e {
namespace {

using nlohmann::json;

std::string text_at(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

const json& object_at(const json& object, const char* key) {
  static const json none = json::object();
  const auto it = object.find(key);
  return it != object.end() && it->is_object() ? *it : none;
}

absl::Time time_at(const json& event, const char* key) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text_at(event, key), &time, &error)) << event;
  return time;
}

AuditEntry entry_of(const json& event) {
  const json& object = object_at(event, "objectRef");
  AuditEntry entry;
  entry.user = text_at(object_at(event, "user"), "username");
  entry.verb = text_at(event, "verb");
  entry.group = text_at(object, "apiGroup");
  entry.resource = text_at(object, "resource");
  entry.subresource = text_at(object, "subresource");
  entry.ns = text_at(object, "namespace");
  entry.request = event.value("requestObject", json());
  entry.response = event.value("responseObject", json());
  entry.name = text_at(object, "name");
  if (entry.name.empty() && entry.request.is_object())
    entry.name = text_at(object_at(entry.request, "metadata"), "name");
  entry.received = time_at(event, "requestReceivedTimestamp");
  entry.answered = time_at(event, "stageTimestamp");
  entry.status = object_at(event, "responseStatus").value("code", 0);
  return entry;
}

}  // namespace

std::string AuditEntry::to_string() const {
  return absl::StrCat(verb, " ", resource, group.empty() ? "" : ".", group, subresource.empty() ? "" : "/", subresource,
                      " ", ns, "/", name);
}

std::ostream& operator<<(std::ostream& out, const AuditEntry& entry) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  return out << absl::FormatTime("%H:%M:%E6S", entry.received, utc) << " to "
             << absl::FormatTime("%H:%M:%E6S", entry.answered, utc) << " " << entry.user << " " << entry.to_string()
             << " -> " << entry.status << " at " << entry.revision() << " " << entry.request.dump();
}

std::int64_t AuditEntry::revision() const {
  std::int64_t number = 0;
  if (response.is_object()) {
    static_cast<void>(absl::SimpleAtoi(text_at(object_at(response, "metadata"), "resourceVersion"), &number));
  }
  return number;
}

bool AuditEntry::carries_precondition() const {
  if (request.is_array()) {
    return std::ranges::any_of(request, [](const json& operation) {
      const std::string op = text_at(operation, "op");
      return (op == "test" || op == "replace") && text_at(operation, "path") == "/metadata/resourceVersion" &&
             !text_at(operation, "value").empty();
    });
  }
  if (!request.is_object()) return false;
  const char* const place = verb == "delete" ? "preconditions" : "metadata";
  return !text_at(object_at(request, place), "resourceVersion").empty();
}

std::string AuditLog::policy(const std::vector<std::string>& users) {
  return json{{"apiVersion", "audit.k8s.io/v1"},
              {"kind", "Policy"},
              {"omitStages", {"RequestReceived", "ResponseStarted"}},
              {"omitManagedFields", true},
              {"rules",
               {{{"level", "RequestResponse"},
                 {"users", users},
                 {"verbs", {"create", "update", "patch", "delete", "deletecollection"}}},
                {{"level", "None"}}}}}
      .dump();
}

AuditLog::AuditLog(std::string path) : path_(std::move(path)) {}

const std::vector<AuditEntry>& AuditLog::entries() {
  std::ifstream file(path_);
  file.seekg(read_);
  // A line without its end is still being written.
  for (std::string line; std::getline(file, line) && !file.eof(); read_ = file.tellg()) {
    const json event = json::parse(line, nullptr, false);
    if (event.is_discarded()) {
      ADD_FAILURE() << "the audit log has a line that is no JSON: " << line;
      continue;
    }
    entries_.push_back(entry_of(event));
  }
  return entries_;
}

std::vector<AuditEntry> AuditLog::select(std::size_t first, const std::function<bool(const AuditEntry&)>& wanted) {
  entries();
  std::vector<AuditEntry> found;
  for (std::size_t i = first; i < entries_.size(); ++i) {
    if (wanted(entries_[i])) found.push_back(entries_[i]);
  }
  return found;
}

}  // namespace headroom::e2e
