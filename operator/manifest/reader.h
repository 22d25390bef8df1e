// Manifests as people keep them: files and folders of YAML and JSON, streams of documents, lists. Values are typed as
// kubectl types them (YAML 1.1 as in sigs.k8s.io/yaml: yes and off are booleans, 0600 is 384, 2026-11-08 is a text).
// Thread-safe; read_paths() alone does IO.
#pragma once

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "operator/manifest/document.h"
#include "operator/manifest/position.h"

namespace headroom::manifest {

/// What could not be read, or was left out on purpose.
struct Problem {
  enum class Severity {
    Error,  ///< something is missing that should have been read
    Note,   ///< something else than manifests was recognised and left out
  };
  Severity severity = Severity::Error;
  Position where;
  std::string message;  ///< what is wrong
  std::string remedy;   ///< what to do; may be empty
  /// "file:3:5: message; remedy".
  std::string to_string() const;
};

struct ReadResult {
  std::vector<Document> documents;  ///< in the order of the files and of the text
  std::vector<Problem> problems;    ///< the same; what is good is read also where other parts are not
  /// Whether a problem is an error.
  bool failed() const;
};

/// Against endless files and against texts that unfold (aliases of aliases).
struct Bounds {
  std::size_t file_bytes = std::size_t{16} << 20U;
  std::size_t files = 10'000;
  std::size_t nodes = 1'000'000;  ///< values of one document once its aliases are unfolded
  int depth = 100;                ///< of maps and lists in each other
};

/// Reads one text, YAML or JSON, of any number of documents. A List gives its items.
ReadResult read_text(std::string_view text, const std::string& file, const Bounds& bounds = {});

/// Reads files as they are named, folders with all below them (*.yaml, *.yml and *.json, by name; hidden ones not), and
/// for "-" `standard_input`. Kustomizations and Helm charts in folders are left out with a note that says how to render
/// them. A path that is not there, or nothing to read at all, is an error.
ReadResult read_paths(const std::vector<std::string>& paths, std::istream& standard_input, const Bounds& bounds = {});

}  // namespace headroom::manifest
