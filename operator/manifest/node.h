// A document as a tree in which every value knows where it stands. Internal to this folder.
#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "operator/manifest/position.h"
#include "operator/manifest/reader.h"

namespace headroom::manifest {

/// Aliases share their anchor's node, so the tree takes no more memory than the text; `weight` counts what it unfolds
/// to.
struct Node {
  enum class Kind { Scalar, List, Map };
  struct Member {
    std::string name;
    Mark key;
    std::shared_ptr<const Node> value;
    bool merged = false;  ///< by "<<"; what is given in the map itself replaces it
  };
  Kind kind = Kind::Scalar;
  Mark at;
  nlohmann::json scalar;                              ///< Scalar
  std::vector<std::shared_ptr<const Node>> elements;  ///< List
  std::vector<Member> members;                        ///< Map, in the order of the text
  std::size_t weight = 1;

  /// Null where there is none.
  const Member* member(std::string_view name) const;
  nlohmann::json to_json() const;
};

/// Turns the columns of bytes that parsers count into columns of characters. `first_line` is added to the lines.
class Ruler {
 public:
  Ruler(std::string_view text, int first_line);
  /// Both from 0.
  Mark mark(int line, int column) const;
  /// The place of a byte.
  Mark mark_of_offset(std::size_t offset) const;
  /// The byte of a place; the text's size beyond its end.
  std::size_t offset(int line, int column) const;

 private:
  std::string_view text_;
  std::vector<std::size_t> lines_;  // where each begins
  int first_line_;
};

/// What one piece of text holds: whole documents, up to the first that is malformed.
struct Parsed {
  std::vector<std::shared_ptr<const Node>> roots;
  std::vector<Problem> problems;
  bool broken = false;  ///< the text is malformed, so `roots` may lack documents
};

/// Reads YAML without "---" lines between documents.
Parsed parse_yaml(std::string_view text, const std::string& file, int first_line, const Bounds& bounds);
/// Reads JSON values, one after the other.
Parsed parse_json(std::string_view text, const std::string& file, const Bounds& bounds);

/// What an unquoted YAML scalar without a tag means, as sigs.k8s.io/yaml has it.
nlohmann::json resolve_plain(std::string_view text);
/// As the key of a map: what resolve_plain() makes of it, as text.
std::string resolve_plain_key(std::string_view text);

/// A number as kubectl sends it: whole ones without a point (1e3 is 1000), those beyond an int64 as doubles.
nlohmann::json as_sent(nlohmann::json number);

bool valid_utf8(std::string_view text);

/// Adds a member; says where the first stood when there is one of that name already.
void add_member(Node& map, Node::Member member, const std::string& file, std::vector<Problem>& problems);

}  // namespace headroom::manifest
