// CustomResourceDefinitions: which kinds there are, and the judgement of an object as a whole. Thread-safe.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/manifest/document.h"
#include "operator/schema/schema.h"

namespace headroom::schema {

/// One version of one kind.
struct Definition {
  std::string group, version, kind, plural;
  bool namespaced = true;
  bool has_status = false;  ///< as a subresource: what a writer puts there is dropped
  std::shared_ptr<const Schema> schema;
};

class Definitions {
 public:
  /// Headroom's own, as this program was built with.
  static const Definitions& own();
  /// Of those documents that are CustomResourceDefinitions; InvalidArgument names the one that is malformed.
  static Result<Definitions> from(const std::vector<manifest::Document>& documents);

  /// Null where there is none.
  const Definition* find(const std::string& group, const std::string& version, const std::string& kind) const;
  const std::vector<Definition>& all() const { return all_; }

 private:
  std::vector<Definition> all_;
};

struct Judgement {
  /// With its defaults, and without what an API server would not store.
  std::shared_ptr<const nlohmann::json> object;
  std::vector<Violation> violations;  ///< none: an API server would take the object
  std::vector<std::string> skipped;   ///< rules that compare with the object as it was before
};

/// What an API server says of `object` when it is created with strict field validation. Of metadata, what can be known
/// without a cluster.
Judgement judge(const Definition& definition, const nlohmann::json& object, const cel::Options& options);

/// The part about metadata.
void check_metadata(const Definition& definition, const nlohmann::json& object, std::vector<Violation>& violations);

}  // namespace headroom::schema
