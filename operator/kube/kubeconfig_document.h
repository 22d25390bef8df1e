// A kubeconfig as a document: its three named lists, checked for shape and merged as kubectl merges them. What an entry
// means is config.cc's. Pure.
#pragma once

#include <yaml-cpp/node/node.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace headroom::kube {

/// A map in the YAML with the place it stands at, for messages.
class YamlMap {
 public:
  YamlMap(const YAML::Node& node, std::string path) : node_(node), path_(std::move(path)) {}

  /// Where `field` stands: "users[\"admin\"].user.token".
  std::string path(const char* field) const;
  const std::string& path() const { return path_; }
  /// The same map at another place.
  YamlMap renamed(std::string path) const { return {node_, std::move(path)}; }
  /// Present and not null.
  bool has(const char* field) const;
  /// The text of a field; empty when absent. Refuses lists and maps.
  Result<std::string> text(const char* field) const;
  /// `true` or `false`; false when absent.
  Result<bool> flag(const char* field) const;
  /// A map under `field`; an empty one when absent.
  Result<YamlMap> map(const char* field) const;
  /// A list of texts; empty when absent.
  Result<std::vector<std::string>> texts(const char* field) const;
  /// A list of maps; empty when absent.
  Result<std::vector<YamlMap>> maps(const char* field) const;

 private:
  YAML::Node at(const char* field) const;

  YAML::Node node_;
  std::string path_;
};

/// One entry of clusters, users or contexts.
struct KubeconfigEntry {
  YamlMap body;        ///< what stands under "cluster", "user" or "context"
  std::string folder;  ///< of the file it stands in; relative paths start there
};

struct KubeconfigDocument {
  std::string current_context;
  std::map<std::string, KubeconfigEntry> clusters, users, contexts;
};

/// `folder` goes into each entry.
Result<KubeconfigDocument> parse_kubeconfig_document(std::string_view yaml, const std::string& folder);

/// Adds what `later` names and `merged` does not.
void merge_kubeconfig(KubeconfigDocument& merged, KubeconfigDocument later);

/// An Error that names field, what is wrong and the remedy.
Error field_error(const std::string& path, const std::string& what_and_remedy);

/// "alpha", "beta" and 3 more; for "there is no such" messages.
std::string names_of(const std::map<std::string, KubeconfigEntry>& entries);

/// A foreign text in quotes, short and without control characters.
std::string in_quotes(std::string_view text);

}  // namespace headroom::kube
