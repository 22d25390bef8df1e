// One Kubernetes object that was read from a file, with the place of each of its fields. Immutable and cheap to copy;
// thread-safe.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "operator/manifest/position.h"

namespace headroom::manifest {

struct Node;

class Document {
 public:
  /// `root` is a map; made by the reader.
  Document(std::string file, std::shared_ptr<const Node> root);

  /// What kubectl would send.
  const nlohmann::json& object() const { return *object_; }
  /// object() as compact JSON.
  std::string json() const;

  const std::string& file() const { return file_; }
  const std::string& api_version() const { return api_version_; }
  const std::string& kind() const { return kind_; }
  /// metadata.namespace as written; empty where there is none.
  const std::string& ns() const { return ns_; }
  /// metadata.name, or metadata.generateName; empty where neither is given.
  const std::string& name() const { return name_; }
  /// The API group, empty for the core group, and the version of api_version().
  std::string group() const;
  std::string version() const;
  /// "ScaleTarget shop/web", for messages.
  std::string title() const;

  /// Where the object begins.
  Position start() const;
  /// Where a field stands: its value if that is on one line, else its key. Of a field that is not there, the nearest
  /// that is around it. `field` as messages name it: "spec.phases[2].from", ".spec.a", "metadata.labels[a.b/c]",
  /// "metadata.labels['a.b/c']"; names with dots are found also without brackets.
  Position where(std::string_view field) const;
  /// The same, but the key of a field, as for one that should not be there.
  Position where_key(std::string_view field) const;

 private:
  Position in_file(Mark mark) const;

  std::string file_;
  std::shared_ptr<const Node> root_;
  std::shared_ptr<const nlohmann::json> object_;
  std::string api_version_, kind_, ns_, name_;
};

}  // namespace headroom::manifest
