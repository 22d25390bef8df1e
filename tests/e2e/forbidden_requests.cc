#include "tests/e2e/forbidden_requests.h"

#include <absl/strings/str_cat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "tests/e2e/chart_rights.h"
#include "tests/kube/temporary_folder.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr char kPolicy[] = R"({
  "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived", "ResponseStarted"],
  "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts:headroom-system"]}, {"level": "None"}]})";
constexpr char kForbidden[] = R"("authorization.k8s.io/decision":"forbid")";

const testing::TemporaryFolder& folder() {
  static const testing::TemporaryFolder folder;
  return folder;
}

std::string log_of(const std::string& program_name) { return folder().path(program_name + ".audit.log"); }

json attributes_of(const json& event) {
  json attributes = {{"verb", event.at("verb")}};
  const json& object = event.at("objectRef");
  for (const auto& [ours, theirs] : {std::pair("group", "apiGroup"),
                                     {"resource", "resource"},
                                     {"subresource", "subresource"},
                                     {"namespace", "namespace"},
                                     {"name", "name"}}) {
    attributes[ours] = object.value(theirs, "");
  }
  return attributes;
}

std::string sentence(const std::string& account, const json& attributes) {
  const auto part = [&](const char* before, const char* name) {
    const std::string value = attributes.at(name);
    return value.empty() ? "" : before + value;
  };
  return absl::StrCat(account, " may not ", attributes.at("verb").get<std::string>(), part(" ", "resource"),
                      part(".", "group"), part("/", "subresource"), part(" in ", "namespace"));
}

}  // namespace

std::vector<std::string> audit_arguments(const std::string& program_name) {
  static const std::string policy = folder().write("policy.json", kPolicy);
  return {"--apiserver-flag=--audit-policy-file=" + policy,
          "--apiserver-flag=--audit-log-path=" + log_of(program_name)};
}

std::set<std::string> forbidden_requests(const std::string& program_name, kube::Client& administrator) {
  std::set<std::string> told;
  std::set<json> seen;
  std::ifstream log(log_of(program_name));
  for (std::string line; std::getline(log, line);) {
    if (line.find(kForbidden) == std::string::npos) continue;
    const json event = json::parse(line);
    const std::string user = event.at("user").at("username"), account = user.substr(user.rfind(':') + 1);
    if (!event.contains("objectRef")) {
      told.insert(absl::StrCat(account, " may not ", event.at("verb").get<std::string>(), " ",
                               event.at("requestURI").get<std::string>()));
      continue;
    }
    const json attributes = attributes_of(event);
    if (!seen.insert(json::array({account, attributes})).second || may(administrator, account, attributes)) continue;
    told.insert(sentence(account, attributes));
  }
  return told;
}

}  // namespace headroom::e2e
