#include "operator/kube/kubeconfig_document.h"

#include <yaml-cpp/yaml.h>

#include <utility>

#include "operator/kube/status_error.h"

namespace headroom::kube {

namespace {

// A Secret holds at most 1 MiB; a person's file with a hundred clusters about as much.
constexpr std::size_t kLongestKubeconfig = std::size_t{2} << 20U;
constexpr std::size_t kMostEntries = 4096;

Result<std::map<std::string, KubeconfigEntry>> read_entries(const YamlMap& root, const char* list, const char* body,
                                                            const std::string& folder) {
  std::map<std::string, KubeconfigEntry> entries;
  BOOST_OUTCOME_TRY(items, root.maps(list));
  for (const YamlMap& item : items) {
    BOOST_OUTCOME_TRY(name, item.text("name"));
    if (name.empty()) return field_error(item.path("name"), "is missing or empty; give the entry a name");
    BOOST_OUTCOME_TRY(content, item.map(body));
    const std::string path = std::string(list) + "[" + in_quotes(name) + "]." + body;
    const bool added = entries.try_emplace(name, KubeconfigEntry{content.renamed(path), folder}).second;
    if (!added) {
      return field_error(std::string(list) + "[" + in_quotes(name) + "]",
                         "stands there twice; remove one or give it another name");
    }
  }
  return entries;
}

Result<KubeconfigDocument> read_document(const YAML::Node& yaml, const std::string& folder) {
  if (!yaml.IsMap()) return invalid("this is no kubeconfig: its top level is not a map with clusters, users, contexts");
  const YamlMap root(yaml, "");
  BOOST_OUTCOME_TRY(kind, root.text("kind"));
  if (!kind.empty() && kind != "Config") {
    return field_error("kind", "is " + in_quotes(kind) + ", a kubeconfig's is \"Config\"; give the kubeconfig itself");
  }
  BOOST_OUTCOME_TRY(version, root.text("apiVersion"));
  if (!version.empty() && version != "v1") {
    return field_error("apiVersion", "is " + in_quotes(version) + ", only \"v1\" is known");
  }
  KubeconfigDocument document;
  BOOST_OUTCOME_TRY(current, root.text("current-context"));
  document.current_context = std::move(current);
  BOOST_OUTCOME_TRY(clusters, read_entries(root, "clusters", "cluster", folder));
  document.clusters = std::move(clusters);
  BOOST_OUTCOME_TRY(users, read_entries(root, "users", "user", folder));
  document.users = std::move(users);
  BOOST_OUTCOME_TRY(contexts, read_entries(root, "contexts", "context", folder));
  document.contexts = std::move(contexts);
  return document;
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 80;
  std::string out = "\"";
  out.append(excerpt(text.substr(0, kShown))).append(text.size() > kShown ? "...\"" : "\"");
  return out;
}

Error field_error(const std::string& path, const std::string& what_and_remedy) {
  return invalid(path + " " + what_and_remedy);
}

std::string names_of(const std::map<std::string, KubeconfigEntry>& entries) {
  constexpr std::size_t kShown = 10;
  if (entries.empty()) return "there are none";
  std::string names = "there ";
  names += entries.size() == 1 ? "is " : "are ";
  std::size_t shown = 0;
  for (const auto& [name, entry] : entries) {
    if (shown == kShown) return names + " and " + std::to_string(entries.size() - kShown) + " more";
    if (shown++ > 0) names += ", ";
    names += in_quotes(name);
  }
  return names;
}

YAML::Node YamlMap::at(const char* field) const {
  return node_.IsMap() ? node_[std::string(field)] : YAML::Node(YAML::NodeType::Undefined);
}

bool YamlMap::has(const char* field) const {
  const YAML::Node node = at(field);
  return node.IsDefined() && !node.IsNull();
}

std::string YamlMap::path(const char* field) const { return path_.empty() ? field : path_ + "." + field; }

Result<std::string> YamlMap::text(const char* field) const {
  if (!has(field)) return std::string();
  const YAML::Node node = at(field);
  if (!node.IsScalar()) return field_error(path(field), "is a list or a map; write one text");
  return node.Scalar();
}

Result<bool> YamlMap::flag(const char* field) const {
  BOOST_OUTCOME_TRY(value, text(field));
  if (value.empty() || value == "false") return false;
  if (value == "true") return true;
  return field_error(path(field), "is " + in_quotes(value) + "; write true or false");
}

Result<YamlMap> YamlMap::map(const char* field) const {
  if (!has(field)) return YamlMap(YAML::Node(YAML::NodeType::Map), path(field));
  const YAML::Node node = at(field);
  if (!node.IsMap()) return field_error(path(field), "is no map; write its fields below it, indented");
  return YamlMap(node, path(field));
}

Result<std::vector<std::string>> YamlMap::texts(const char* field) const {
  std::vector<std::string> values;
  if (!has(field)) return values;
  const YAML::Node node = at(field);
  if (!node.IsSequence()) return field_error(path(field), "is no list; write one entry a line, each after \"- \"");
  if (node.size() > kMostEntries) return field_error(path(field), "has more than 4096 entries");
  for (const YAML::Node& item : node) {
    if (!item.IsScalar()) return field_error(path(field), "has an entry that is no text; write a list of texts");
    values.push_back(item.Scalar());
  }
  return values;
}

Result<std::vector<YamlMap>> YamlMap::maps(const char* field) const {
  std::vector<YamlMap> values;
  if (!has(field)) return values;
  const YAML::Node node = at(field);
  if (!node.IsSequence()) return field_error(path(field), "is no list; write one entry a line, each after \"- \"");
  if (node.size() > kMostEntries) return field_error(path(field), "has more than 4096 entries");
  for (const YAML::Node& item : node) {
    const std::string place = path(field) + "[" + std::to_string(values.size()) + "]";
    if (!item.IsMap()) return field_error(place, "is no map; write its fields below it, indented");
    values.emplace_back(item, place);
  }
  return values;
}

Result<KubeconfigDocument> parse_kubeconfig_document(std::string_view yaml, const std::string& folder) {
  if (yaml.size() > kLongestKubeconfig) {
    return invalid("the kubeconfig is " + std::to_string(yaml.size()) + " bytes long, at most 2 MiB are read; keep " +
                   "the clusters that are needed");
  }
  try {
    return read_document(YAML::Load(std::string(yaml)), folder);
  } catch (const YAML::Exception& error) {
    return invalid("the kubeconfig is no YAML: line " + std::to_string(error.mark.line + 1) + ", column " +
                   std::to_string(error.mark.column + 1) + ": " + excerpt(error.msg));
  }
}

void merge_kubeconfig(KubeconfigDocument& merged, KubeconfigDocument later) {
  if (merged.current_context.empty()) merged.current_context = std::move(later.current_context);
  merged.clusters.merge(later.clusters);
  merged.users.merge(later.users);
  merged.contexts.merge(later.contexts);
}

}  // namespace headroom::kube
