// The tree of an expression, and the functions that it may call. Internal to this folder.
#pragma once

#include <re2/re2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "operator/cel/program.h"
#include "operator/cel/value.h"

namespace headroom::cel {

/// What one evaluation has left, and what it may ask.
class Evaluation {
 public:
  explicit Evaluation(const Options& options) : options_(options), left_(options.budget) {}
  /// Takes from the budget; an error once it is spent.
  Status spend(std::size_t operations);
  Result<absl::TimeZone> zone(const std::string& name) const;

 private:
  const Options& options_;
  std::int64_t left_;
};

/// A call as functions see it; a receiver is the first argument.
struct Call {
  std::span<const Value> arguments;
  const RE2* pattern = nullptr;  ///< the argument that is a regular expression, where it was a literal
  Evaluation& evaluation;

  const Value& operator[](std::size_t index) const { return arguments[index]; }
};

struct Function {
  const char* name;
  bool member;  ///< called as receiver.name(...)
  int arity;    ///< with the receiver
  Result<Value> (*call)(const Call&);
};

/// Null where there is none of this name, way of calling and number of arguments.
const Function* find_function(std::string_view name, bool member, std::size_t arity);
/// Whether there is one with another number of arguments or another way of calling.
bool is_function_name(std::string_view name);

std::span<const Function> operator_functions();
std::span<const Function> conversion_functions();
std::span<const Function> time_functions();
std::span<const Function> string_functions();
std::span<const Function> list_functions();
std::span<const Function> pattern_functions();
std::span<const Function> kubernetes_functions();

/// "no such overload: name(int, string)".
Error no_such_overload(const char* name, const Call& call);
inline Error cel_error(std::string message) { return invalid(std::move(message)); }

/// Go's time.ParseDuration, signs and all; an error beyond the 64 bits of nanoseconds that Go has.
Result<absl::Duration> parse_go_duration(std::string_view text);

struct Expression {
  enum class Kind { Literal, Variable, Select, Has, Invoke, And, Or, Conditional, MakeList, MakeMap, Macro };
  enum class Macro { All, Exists, ExistsOne, Mapped, Filter, TransformList, TransformMap };
  Kind kind = Kind::Literal;
  Value literal;
  std::string name;                    ///< Variable, Select, Has
  std::vector<Expression> operands;    ///< Macro: the range, then the bodies; MakeMap: key, value, key, value ...
  const Function* function = nullptr;  ///< Invoke
  std::shared_ptr<const RE2> pattern;  ///< Invoke of a function of pattern_functions() with a literal
  Macro macro = Macro::All;
  std::vector<std::string> variables{};  ///< Macro: one, or index (or key) and value
  int depth = 1;
};

/// Bounds of expressions: an API server's are 100,000 code points and (by its cost estimate) shallow trees.
inline constexpr std::size_t kLongestExpression = 100'000;
inline constexpr int kDeepestExpression = 200;

/// The tree of an expression, names and calls resolved.
Result<Expression> parse(std::string_view text, const std::vector<std::string>& variables);

}  // namespace headroom::cel
