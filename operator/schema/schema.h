// OpenAPI v3 schemas as CustomResourceDefinitions have them (structural ones), compiled: what apiextensions-apiserver
// makes of them. Pure, thread-safe. The verdicts are the API server's; so are the words, as far as they help.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/cel/program.h"

namespace headroom::schema {

/// What stands against an object.
struct Violation {
  enum class Kind {
    UnknownField,
    Type,
    Required,
    Enum,
    Pattern,
    Range,   ///< of a number
    Length,  ///< of a text, list or map
    Format,
    Duplicate,
    Metadata,
    Combination,  ///< anyOf, oneOf, allOf, not
    Rule,         ///< x-kubernetes-validations
  };
  Kind kind = Kind::Type;
  std::string field;      ///< "spec.phases[2].from"; empty: the object as a whole
  std::string message;    ///< as an API server says it: "Required value"
  std::string remedy;     ///< may be empty
  bool blocking = false;  ///< an API server judges no rules of x-kubernetes-validations beside it
};

const char* to_string(Violation::Kind kind);

/// The name among `known` that `wrong` was probably meant to be; empty where none is near.
std::string nearest(const std::string& wrong, const std::vector<std::string>& known);

struct Node;

/// One schema with all below it.
class Schema {
 public:
  /// InvalidArgument names what is malformed, also a pattern or a rule that is not understood.
  static Result<Schema> compile(const nlohmann::json& open_api);

  /// Takes out fields that the schema does not know and says so ("strict" field validation, as kubectl asks for it).
  void prune(nlohmann::json& object, std::vector<Violation>& violations) const;
  /// Drops nulls where none may be, and sets defaults.
  void apply_defaults(nlohmann::json& object) const;
  /// Types, bounds, patterns, uniqueness; of an object with its defaults.
  void validate(const nlohmann::json& object, std::vector<Violation>& violations) const;
  /// Evaluates x-kubernetes-validations of an object that is new. Rules that compare with `oldSelf` are not judged;
  /// their places and texts go to `skipped`.
  void judge_rules(const nlohmann::json& object, const cel::Options& options, std::vector<Violation>& violations,
                   std::vector<std::string>& skipped) const;

 private:
  explicit Schema(std::shared_ptr<const Node> root) : root_(std::move(root)) {}
  std::shared_ptr<const Node> root_;
};

}  // namespace headroom::schema
