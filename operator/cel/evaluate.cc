#include <absl/strings/str_cat.h>

#include <optional>
#include <utility>

#include "operator/cel/expression.h"

namespace headroom::cel {
namespace {

/// The variables in sight, as a chain on the stack: the newest hides others of its name.
struct Scope {
  const std::string& name;
  const Value& value;
  const Scope* outer = nullptr;
};

class Walk {
 public:
  Walk(const Variables& variables, Evaluation& evaluation) : variables_(variables), evaluation_(evaluation) {}

  Result<Value> value(const Expression& expression, const Scope* scope) {
    BOOST_OUTCOME_TRYV(evaluation_.spend(1));
    switch (expression.kind) {
      case Expression::Kind::Literal:
        return expression.literal;
      case Expression::Kind::Variable:
        return variable(expression.name, scope);
      case Expression::Kind::Select:
      case Expression::Kind::Has:
        return select(expression, scope);
      case Expression::Kind::Invoke:
        return invoke(expression, scope);
      case Expression::Kind::And:
        return logical(expression, scope, false);
      case Expression::Kind::Or:
        return logical(expression, scope, true);
      case Expression::Kind::Conditional:
        return conditional(expression, scope);
      case Expression::Kind::MakeList:
        return list(expression, scope);
      case Expression::Kind::MakeMap:
        return map(expression, scope);
      case Expression::Kind::Macro:
        return macro(expression, scope);
    }
    return cel_error("unknown expression");
  }

 private:
  Result<Value> variable(const std::string& name, const Scope* scope) const {
    for (; scope; scope = scope->outer) {
      if (scope->name == name) return scope->value;
    }
    for (const auto& [known, value] : variables_) {
      if (known == name) return value;
    }
    return cel_error(absl::StrCat("no such attribute: ", name));
  }

  Result<Value> select(const Expression& expression, const Scope* scope) {
    BOOST_OUTCOME_TRY(of, value(expression.operands[0], scope));
    const Map* map = of.as<Map>();
    if (!map) return cel_error(absl::StrCat("no such overload: ", of.type_name(), ".", expression.name));
    BOOST_OUTCOME_TRYV(evaluation_.spend(map->size() / 8));
    const Value* found = find(*map, Value(expression.name));
    if (expression.kind == Expression::Kind::Has) return Value(found != nullptr);
    if (!found) return cel_error(absl::StrCat("no such key: ", expression.name));
    return *found;
  }

  Result<Value> invoke(const Expression& expression, const Scope* scope) {
    List arguments;
    arguments.reserve(expression.operands.size());
    for (const Expression& operand : expression.operands) {
      BOOST_OUTCOME_TRY(argument, value(operand, scope));
      arguments.push_back(std::move(argument));
    }
    return expression.function->call({arguments, expression.pattern.get(), evaluation_});
  }

  static Result<bool> truth(const Result<Value>& result) {
    if (!result) return result.error();
    if (const bool* flag = result.value().as<bool>()) return *flag;
    return cel_error(absl::StrCat("no such overload: a condition is ", result.value().type_name(), ", not bool"));
  }

  /// `decisive` on any side settles it, also beside errors; else the first error counts.
  Result<Value> logical(const Expression& expression, const Scope* scope, bool decisive) {
    std::optional<Error> first_error;
    for (const Expression& operand : expression.operands) {
      const Result<bool> side = truth(value(operand, scope));
      if (side && side.value() == decisive) return Value(decisive);
      if (!side && !first_error) first_error = side.error();
    }
    if (first_error) return *std::move(first_error);
    return Value(!decisive);
  }

  Result<Value> conditional(const Expression& expression, const Scope* scope) {
    BOOST_OUTCOME_TRY(condition, truth(value(expression.operands[0], scope)));
    return value(expression.operands[condition ? 1 : 2], scope);
  }

  Result<Value> list(const Expression& expression, const Scope* scope) {
    List elements;
    for (const Expression& operand : expression.operands) {
      BOOST_OUTCOME_TRY(element, value(operand, scope));
      elements.push_back(std::move(element));
    }
    return Value(std::move(elements));
  }

  Result<Value> map(const Expression& expression, const Scope* scope) {
    Map entries;
    for (std::size_t i = 0; i < expression.operands.size(); i += 2) {
      BOOST_OUTCOME_TRY(key, value(expression.operands[i], scope));
      BOOST_OUTCOME_TRY(entry, value(expression.operands[i + 1], scope));
      const bool good = key.as<bool>() || key.as<std::string>() || key.as<std::int64_t>() || key.as<std::uint64_t>();
      if (!good) return cel_error(absl::StrCat("unsupported key type: ", key.type_name()));
      if (find(entries, key)) return cel_error(absl::StrCat("duplicate key in map: ", to_text(key)));
      entries.emplace_back(std::move(key), std::move(entry));
    }
    return Value(std::move(entries));
  }

  /// Calls `body(scope)` with the macro's variables set for each element, until it returns false.
  template <class Body>
  Status each(const Expression& expression, const Value& range, const Scope* scope, const Body& body) {
    const std::vector<std::string>& names = expression.variables;
    const auto step = [&](const Value& first, const Value& second) -> Result<bool> {
      BOOST_OUTCOME_TRYV(evaluation_.spend(1));
      const Scope outer{names[0], first, scope};
      if (names.size() == 1) return body(&outer, first);
      const Scope inner{names[1], second, &outer};
      return body(&inner, first);
    };
    if (const List* list = range.as<List>()) {
      std::int64_t index = 0;
      for (const Value& element : *list) {
        BOOST_OUTCOME_TRY(go_on, names.size() == 1 ? step(element, element) : step(Value(index++), element));
        if (!go_on) return ok();
      }
      return ok();
    }
    if (const Map* map = range.as<Map>()) {
      for (const auto& [key, element] : *map) {
        BOOST_OUTCOME_TRY(go_on, step(key, element));
        if (!go_on) return ok();
      }
      return ok();
    }
    return cel_error(absl::StrCat("no such overload: a macro over ", range.type_name()));
  }

  Result<Value> macro(const Expression& expression, const Scope* scope) {
    BOOST_OUTCOME_TRY(range, value(expression.operands[0], scope));
    switch (expression.macro) {
      case Expression::Macro::All:
        return quantified(expression, range, scope, false);
      case Expression::Macro::Exists:
        return quantified(expression, range, scope, true);
      case Expression::Macro::ExistsOne:
        return exists_one(expression, range, scope);
      case Expression::Macro::Mapped:
      case Expression::Macro::TransformList:
        return transformed(expression, range, scope);
      case Expression::Macro::TransformMap:
        return transformed_map(expression, range, scope);
      case Expression::Macro::Filter:
        return filtered(expression, range, scope);
    }
    return cel_error("unknown macro");
  }

  /// all: false settles it; exists: true does. Errors count only where nothing settles it.
  Result<Value> quantified(const Expression& expression, const Value& range, const Scope* scope, bool decisive) {
    std::optional<Error> first_error;
    bool decided = false;
    BOOST_OUTCOME_TRYV(each(expression, range, scope, [&](const Scope* inner, const Value&) -> Result<bool> {
      const Result<bool> holds = truth(value(expression.operands[1], inner));
      decided = holds && holds.value() == decisive;
      if (!holds && !first_error) first_error = holds.error();
      return !decided;
    }));
    if (decided) return Value(decisive);
    if (first_error) return *std::move(first_error);
    return Value(!decisive);
  }

  Result<Value> exists_one(const Expression& expression, const Value& range, const Scope* scope) {
    int count = 0;
    BOOST_OUTCOME_TRYV(each(expression, range, scope, [&](const Scope* inner, const Value&) -> Result<bool> {
      BOOST_OUTCOME_TRY(holds, truth(value(expression.operands[1], inner)));
      count += holds ? 1 : 0;
      return true;
    }));
    return Value(count == 1);
  }

  /// Of a macro with a condition before its result: whether it holds; true where there is none.
  Result<bool> wanted(const Expression& expression, const Scope* inner) {
    if (expression.operands.size() < 3) return true;
    return truth(value(expression.operands[1], inner));
  }

  Result<Value> transformed(const Expression& expression, const Value& range, const Scope* scope) {
    List results;
    BOOST_OUTCOME_TRYV(each(expression, range, scope, [&](const Scope* inner, const Value&) -> Result<bool> {
      BOOST_OUTCOME_TRY(is_wanted, wanted(expression, inner));
      if (!is_wanted) return true;
      BOOST_OUTCOME_TRY(result, value(expression.operands.back(), inner));
      results.push_back(std::move(result));
      return true;
    }));
    return Value(std::move(results));
  }

  Result<Value> transformed_map(const Expression& expression, const Value& range, const Scope* scope) {
    Map results;
    BOOST_OUTCOME_TRYV(each(expression, range, scope, [&](const Scope* inner, const Value& key) -> Result<bool> {
      BOOST_OUTCOME_TRY(is_wanted, wanted(expression, inner));
      if (!is_wanted) return true;
      BOOST_OUTCOME_TRY(result, value(expression.operands.back(), inner));
      results.emplace_back(key, std::move(result));
      return true;
    }));
    return Value(std::move(results));
  }

  Result<Value> filtered(const Expression& expression, const Value& range, const Scope* scope) {
    List results;
    BOOST_OUTCOME_TRYV(each(expression, range, scope, [&](const Scope* inner, const Value& element) -> Result<bool> {
      BOOST_OUTCOME_TRY(holds, truth(value(expression.operands[1], inner)));
      if (holds) results.push_back(element);
      return true;
    }));
    return Value(std::move(results));
  }

  const Variables& variables_;
  Evaluation& evaluation_;
};

bool reads(const Expression& expression, std::string_view variable) {
  if (expression.kind == Expression::Kind::Variable && expression.name == variable) return true;
  for (const Expression& each : expression.operands) {
    if (reads(each, variable)) return true;
  }
  return false;
}

}  // namespace

Status Evaluation::spend(std::size_t operations) {
  left_ -= static_cast<std::int64_t>(operations);
  if (left_ >= 0) return ok();
  return cel_error("the expression takes too long; it has used up its budget of operations");
}

Result<absl::TimeZone> Evaluation::zone(const std::string& name) const {
  if (name.empty() || name == "UTC") return absl::UTCTimeZone();
  if (!options_.zones) return cel_error(absl::StrCat("no time zones are known, so not ", name));
  return options_.zones(name);
}

Result<Program> Program::compile(std::string_view expression, const std::vector<std::string>& variables) {
  BOOST_OUTCOME_TRY(root, parse(expression, variables));
  return Program(std::string(expression), std::make_shared<const Expression>(std::move(root)));
}

Result<Value> Program::evaluate(const Variables& variables, const Options& options) const {
  Evaluation evaluation(options);
  return Walk(variables, evaluation).value(*root_, nullptr);
}

bool Program::uses(std::string_view variable) const { return reads(*root_, variable); }

}  // namespace headroom::cel
