// The Common Expression Language, as Kubernetes uses it in validation rules: an expression is compiled once and
// evaluated over values. Pure and bounded: no IO but what Options brings, no endless work, no deep recursion.
//
// The language but for optionals (`?.`) and messages of protocol buffers; the macros has, all, exists, exists_one, map,
// filter and those with two variables; the standard functions; of the libraries that Kubernetes adds: strings, lists,
// regular expressions (RE2), sets, quantities and URLs. Types are looked at when an expression is evaluated, not when
// it is compiled: what an API server refuses when it takes a CustomResourceDefinition is an error of the evaluation
// here.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/base/result.h"
#include "operator/cel/value.h"

namespace headroom::cel {

struct Expression;

struct Options {
  /// Loads an IANA zone, for `getHours('Asia/Kolkata')`. Without it such calls are errors.
  std::function<Result<absl::TimeZone>(const std::string& name)> zones;
  /// Evaluated operations, and text and list elements walked over: about 10 ms.
  std::int64_t budget = 1'000'000;
};

/// Names and their values.
using Variables = std::vector<std::pair<std::string, Value>>;

/// Thread-safe; cheap to copy.
class Program {
 public:
  /// InvalidArgument names the place in the expression and what is wrong there, also for names that are none of
  /// `variables` and functions that are not known.
  static Result<Program> compile(std::string_view expression, const std::vector<std::string>& variables);

  /// An error is CEL's own (no such key, overflow, division by zero, no such overload) or an exhausted budget. All of
  /// the `variables` that the program uses must be given.
  Result<Value> evaluate(const Variables& variables, const Options& options) const;

  /// Whether the expression reads a variable.
  bool uses(std::string_view variable) const;
  const std::string& text() const { return text_; }

 private:
  Program(std::string text, std::shared_ptr<const Expression> root) : text_(std::move(text)), root_(std::move(root)) {}

  std::string text_;
  std::shared_ptr<const Expression> root_;
};

}  // namespace headroom::cel
