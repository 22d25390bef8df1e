// Finds keys that an object has twice: JSON parsers disagree about which of them counts, so a limit could be shown one
// value while another is stored.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <simdjson.h>

#include <optional>
#include <string_view>

namespace headroom::webhook {

/// Keeps its memory from document to document. One thread.
class UniqueKeys {
 public:
  /// A key that some object at or below `root` has twice, as it reads without escapes. Linear in the size of the
  /// document, also for keys chosen to collide; as deep as the parser allowed.
  std::optional<std::string_view> repeated_below(simdjson::dom::element root);

 private:
  bool descend(simdjson::dom::element element);
  bool descend_into_few(simdjson::dom::object object);
  bool descend_into_many(simdjson::dom::object object);

  absl::flat_hash_set<std::string_view> seen_;  // of one object; the hash is seeded by the process
  std::string_view repeated_;
};

}  // namespace headroom::webhook
