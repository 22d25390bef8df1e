// Recursive descent over CEL's grammar; names, macros and functions are resolved on the way.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "operator/cel/expression.h"
#include "operator/cel/lexer.h"

namespace headroom::cel {
namespace {

constexpr std::array kReserved = {"as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
                                  "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};
constexpr std::array kTypes = {"bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"};

struct Operators {
  std::array<const char*, 7> names;
};
/// From loose to tight, below && and ||.
constexpr Operators kLevels[] = {{{"==", "!=", "<", "<=", ">", ">=", "in"}}, {{"+", "-"}}, {{"*", "/", "%"}}};

struct MacroName {
  const char* name;
  Expression::Macro macro;
  std::size_t least, most;  // arguments: one or two variables and the bodies
};
constexpr MacroName kMacros[] = {{"all", Expression::Macro::All, 2, 3},
                                 {"exists", Expression::Macro::Exists, 2, 3},
                                 {"exists_one", Expression::Macro::ExistsOne, 2, 2},
                                 {"existsOne", Expression::Macro::ExistsOne, 2, 3},
                                 {"filter", Expression::Macro::Filter, 2, 2},
                                 {"map", Expression::Macro::Mapped, 2, 3},
                                 {"transformList", Expression::Macro::TransformList, 3, 4},
                                 {"transformMap", Expression::Macro::TransformMap, 3, 4}};

class Parser {
 public:
  Parser(std::vector<Token> tokens, std::vector<std::string> variables)
      : tokens_(std::move(tokens)), variables_(std::move(variables)) {}

  Result<Expression> whole() {
    BOOST_OUTCOME_TRY(root, conditional());
    if (here().kind != Token::Kind::End) return unexpected();
    return root;
  }

 private:
  const Token& here() const { return tokens_[at_]; }
  bool at_symbol(std::string_view symbol) const { return here().kind == Token::Kind::Symbol && here().text == symbol; }
  bool take(std::string_view symbol) {
    if (!at_symbol(symbol)) return false;
    ++at_;
    return true;
  }
  Error fault(const std::string& problem) const { return syntax_error(here().offset, problem); }
  Error unexpected() const {
    if (here().kind == Token::Kind::End) return fault("the expression ends too early");
    return fault(here().text.empty() ? "unexpected value" : absl::StrCat("unexpected \"", here().text, "\""));
  }
  Status expect(std::string_view symbol) {
    if (take(symbol)) return ok();
    if (here().kind == Token::Kind::End) return unexpected();
    return fault(absl::StrCat("\"", std::string(symbol), "\" expected"));
  }

  /// Gives a node its operands, within the depth that evaluation may recurse to.
  Result<Expression> node(Expression expression, std::vector<Expression> operands) const {
    for (const Expression& each : operands) expression.depth = std::max(expression.depth, each.depth + 1);
    if (expression.depth > kDeepestExpression) return fault("the expression is nested too deep");
    expression.operands = std::move(operands);
    return expression;
  }

  Result<Expression> invoke(std::string_view name, bool member, std::vector<Expression> operands) const {
    Expression call;
    call.kind = Expression::Kind::Invoke;
    call.function = find_function(name, member, operands.size());
    if (!call.function) {
      if (is_function_name(name)) {
        return fault(absl::StrCat("the function ", std::string(name), " is not called in this way"));
      }
      return fault(absl::StrCat("the function ", std::string(name), " is not known"));
    }
    BOOST_OUTCOME_TRYV(compile_pattern(call, operands));
    return node(std::move(call), std::move(operands));
  }

  Status compile_pattern(Expression& call, const std::vector<Expression>& operands) const {
    const auto patterns = pattern_functions();
    const bool takes_pattern =
        std::ranges::any_of(patterns, [&](const Function& each) { return &each == call.function; });
    if (!takes_pattern || operands.size() < 2 || operands[1].kind != Expression::Kind::Literal) return ok();
    const std::string* text = operands[1].literal.as<std::string>();
    if (!text) return ok();
    auto pattern = std::make_shared<const RE2>(*text, RE2::Quiet);
    if (!pattern->ok()) return fault(absl::StrCat("no regular expression: ", pattern->error()));
    call.pattern = std::move(pattern);
    return ok();
  }

  /// Every recursion passes here or through unary().
  Result<Expression> conditional() {
    const Depth depth(*this);
    if (depth.exceeded()) return fault("the expression is nested too deep");
    BOOST_OUTCOME_TRY(condition, disjunction());
    if (!take("?")) return condition;
    BOOST_OUTCOME_TRY(yes, disjunction());
    BOOST_OUTCOME_TRYV(expect(":"));
    BOOST_OUTCOME_TRY(no, conditional());
    std::vector<Expression> operands;
    operands.push_back(std::move(condition));
    operands.push_back(std::move(yes));
    operands.push_back(std::move(no));
    Expression choice;
    choice.kind = Expression::Kind::Conditional;
    return node(std::move(choice), std::move(operands));
  }

  Result<Expression> disjunction() { return logical("||", Expression::Kind::Or, &Parser::conjunction); }
  Result<Expression> conjunction() { return logical("&&", Expression::Kind::And, &Parser::relation); }
  Result<Expression> relation() { return binary(0); }

  /// One node for a whole chain, so that a long one is not deep.
  Result<Expression> logical(std::string_view symbol, Expression::Kind kind, Result<Expression> (Parser::*next)()) {
    BOOST_OUTCOME_TRY(first, (this->*next)());
    if (!at_symbol(symbol)) return first;
    std::vector<Expression> operands;
    operands.push_back(std::move(first));
    while (take(symbol)) {
      BOOST_OUTCOME_TRY(another, (this->*next)());
      operands.push_back(std::move(another));
    }
    Expression chain;
    chain.kind = kind;
    return node(std::move(chain), std::move(operands));
  }

  const char* operator_of(const Operators& level) const {
    const bool is_word = here().kind == Token::Kind::Name;
    if (!is_word && here().kind != Token::Kind::Symbol) return nullptr;
    for (const char* name : level.names) {
      if (name && here().text == name) return name;
    }
    return nullptr;
  }

  Result<Expression> binary(std::size_t level) {
    if (level == std::size(kLevels)) return unary();
    BOOST_OUTCOME_TRY(left, binary(level + 1));
    while (const char* name = operator_of(kLevels[level])) {
      ++at_;
      BOOST_OUTCOME_TRY(right, binary(level + 1));
      std::vector<Expression> operands;
      operands.push_back(std::move(left));
      operands.push_back(std::move(right));
      BOOST_OUTCOME_TRY(joined, invoke(absl::StrCat("_", name, "_"), false, std::move(operands)));
      left = std::move(joined);
    }
    return left;
  }

  Result<Expression> unary() {
    const Depth depth(*this);
    if (depth.exceeded()) return fault("the expression is nested too deep");
    const char* name = at_symbol("!") ? "!_" : at_symbol("-") ? "-_" : nullptr;
    if (!name) return member();
    ++at_;
    if (name[0] == '-' && here().kind == Token::Kind::Int) {
      constexpr std::uint64_t kSmallest = std::uint64_t{1} << 63U;
      if (here().whole == kSmallest) {  // the one negative number whose magnitude is no int
        ++at_;
        return members_of(literal(Value(std::numeric_limits<std::int64_t>::min())));
      }
    }
    BOOST_OUTCOME_TRY(operand, unary());
    std::vector<Expression> operands;
    operands.push_back(std::move(operand));
    return invoke(name, false, std::move(operands));
  }

  Result<Expression> member() {
    BOOST_OUTCOME_TRY(first, primary());
    return members_of(std::move(first));
  }

  Result<Expression> members_of(Expression receiver) {
    for (;;) {
      if (take("[")) {
        if (at_symbol("?")) return fault("optionals are not understood here");
        std::vector<Expression> operands;
        operands.push_back(std::move(receiver));
        BOOST_OUTCOME_TRY(index, conditional());
        operands.push_back(std::move(index));
        BOOST_OUTCOME_TRYV(expect("]"));
        BOOST_OUTCOME_TRY(element, invoke("_[_]", false, std::move(operands)));
        receiver = std::move(element);
      } else if (take(".")) {
        if (at_symbol("?")) return fault("optionals are not understood here");
        if (here().kind != Token::Kind::Name) return fault("the name of a field or function expected");
        const std::string name = tokens_[at_++].text;
        if (take("(")) {
          BOOST_OUTCOME_TRY(called, call_member(std::move(receiver), name));
          receiver = std::move(called);
        } else {
          Expression select;
          select.kind = Expression::Kind::Select;
          select.name = name;
          std::vector<Expression> operands;
          operands.push_back(std::move(receiver));
          BOOST_OUTCOME_TRY(selected, node(std::move(select), std::move(operands)));
          receiver = std::move(selected);
        }
      } else {
        return receiver;
      }
    }
  }

  /// After "receiver.name(".
  Result<Expression> call_member(Expression receiver, const std::string& name) {
    for (const MacroName& known : kMacros) {
      if (name == known.name && macro_ahead()) return macro(std::move(receiver), known);
    }
    std::vector<Expression> operands;
    operands.push_back(std::move(receiver));
    BOOST_OUTCOME_TRYV(arguments(")", operands));
    return invoke(name, true, std::move(operands));
  }

  /// "variable," comes, which no argument of a function looks like: none is a bare name and followed by another.
  bool macro_ahead() const {
    return here().kind == Token::Kind::Name && tokens_[at_ + 1].kind == Token::Kind::Symbol &&
           tokens_[at_ + 1].text == ",";
  }

  Result<Expression> macro(Expression range, const MacroName& known) {
    Expression result;
    result.kind = Expression::Kind::Macro;
    result.macro = known.macro;
    result.variables.push_back(here().text);
    at_ += 2;
    const bool always_two =
        known.macro == Expression::Macro::TransformList || known.macro == Expression::Macro::TransformMap;
    // all(i, v, p) has two variables, map(v, p, t) has one: they differ in the macro, not in the number of arguments.
    const bool may_have_two = always_two || known.macro == Expression::Macro::All ||
                              known.macro == Expression::Macro::Exists || std::string_view(known.name) == "existsOne";
    if (may_have_two && macro_ahead()) {
      result.variables.push_back(here().text);
      at_ += 2;
    }
    if (always_two && result.variables.size() != 2) return fault(absl::StrCat(known.name, " takes two variables"));
    for (const std::string& name : result.variables) {
      BOOST_OUTCOME_TRYV(declare(name));
    }
    std::vector<Expression> operands;
    operands.push_back(std::move(range));
    BOOST_OUTCOME_TRYV(arguments(")", operands));
    variables_.resize(variables_.size() - result.variables.size());
    const std::size_t count = result.variables.size() + operands.size() - 1;
    if (count < known.least || count > known.most || operands.size() < 2) {
      return fault(absl::StrCat("the macro ", known.name, " is not written in this way"));
    }
    return node(std::move(result), std::move(operands));
  }

  Status declare(const std::string& name) {
    if (is_reserved(name)) return fault(absl::StrCat("\"", name, "\" cannot name a variable"));
    variables_.push_back(name);
    return ok();
  }

  static bool is_reserved(std::string_view name) {
    return name == "in" || name == "true" || name == "false" || name == "null" ||
           std::ranges::any_of(kReserved, [&](const char* each) { return name == each; });
  }

  /// Up to the closing symbol, which is taken.
  Status arguments(std::string_view end, std::vector<Expression>& into) {
    while (!take(end)) {
      BOOST_OUTCOME_TRY(argument, conditional());
      into.push_back(std::move(argument));
      if (!take(",") && !at_symbol(end)) return unexpected();
    }
    return ok();
  }

  static Expression literal(Value value) {
    Expression expression;
    expression.literal = std::move(value);
    return expression;
  }

  Result<Expression> primary() {
    const Token& token = here();
    switch (token.kind) {
      case Token::Kind::Int:
        if (token.whole > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
          return fault("the number does not fit an int");
        }
        ++at_;
        return literal(Value(static_cast<std::int64_t>(token.whole)));
      case Token::Kind::Uint:
        ++at_;
        return literal(Value(token.whole));
      case Token::Kind::Double:
        ++at_;
        return literal(Value(token.number));
      case Token::Kind::Text:
        ++at_;
        return literal(Value(token.text));
      case Token::Kind::Bytes:
        ++at_;
        return literal(Value(Bytes{token.text}));
      case Token::Kind::Name:
        return name();
      case Token::Kind::Symbol:
        break;
      case Token::Kind::End:
        return unexpected();
    }
    if (take("(")) {
      BOOST_OUTCOME_TRY(inner, conditional());
      BOOST_OUTCOME_TRYV(expect(")"));
      return inner;
    }
    if (take("[")) {
      std::vector<Expression> elements;
      BOOST_OUTCOME_TRYV(arguments("]", elements));
      Expression list;
      list.kind = Expression::Kind::MakeList;
      return node(std::move(list), std::move(elements));
    }
    if (take("{")) return map();
    return unexpected();
  }

  Result<Expression> map() {
    std::vector<Expression> entries;
    while (!take("}")) {
      for (const char* end : {":", ""}) {
        BOOST_OUTCOME_TRY(part, conditional());
        entries.push_back(std::move(part));
        if (*end != '\0') {
          BOOST_OUTCOME_TRYV(expect(end));
        }
      }
      if (!take(",") && !at_symbol("}")) return unexpected();
    }
    Expression made;
    made.kind = Expression::Kind::MakeMap;
    return node(std::move(made), std::move(entries));
  }

  Result<Expression> name() {
    const std::string name = here().text;
    if (name == "true" || name == "false" || name == "null") {
      ++at_;
      return literal(name == "null" ? Value() : Value(name == "true"));
    }
    if (is_reserved(name)) return fault(absl::StrCat("\"", name, "\" is a reserved word"));
    ++at_;
    if (name == "sets" && take(".")) {  // the one library with a name of its own
      const std::string function = absl::StrCat("sets.", here().text);
      ++at_;
      BOOST_OUTCOME_TRYV(expect("("));
      std::vector<Expression> operands;
      BOOST_OUTCOME_TRYV(arguments(")", operands));
      return invoke(function, false, std::move(operands));
    }
    if (take("(")) {
      std::vector<Expression> operands;
      BOOST_OUTCOME_TRYV(arguments(")", operands));
      if (name == "has") return has(std::move(operands));
      return invoke(name, false, std::move(operands));
    }
    if (std::ranges::find(variables_, name) != variables_.end()) {
      Expression variable;
      variable.kind = Expression::Kind::Variable;
      variable.name = name;
      return variable;
    }
    if (std::ranges::any_of(kTypes, [&](const char* each) { return name == each; })) {
      return literal(Value(TypeName{name}));
    }
    --at_;
    return fault(absl::StrCat("the name \"", name, "\" is not known"));
  }

  Result<Expression> has(std::vector<Expression> operands) const {
    if (operands.size() != 1 || operands[0].kind != Expression::Kind::Select) {
      return fault("has() takes a field, such as has(self.field)");
    }
    operands[0].kind = Expression::Kind::Has;
    return std::move(operands[0]);
  }

  /// How deep the parser itself has recursed.
  class Depth {
   public:
    explicit Depth(Parser& parser) : parser_(parser) { ++parser_.depth_; }
    ~Depth() { --parser_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    bool exceeded() const { return parser_.depth_ > kDeepestExpression; }

   private:
    Parser& parser_;
  };

  const std::vector<Token> tokens_;
  std::vector<std::string> variables_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<Expression> parse(std::string_view text, const std::vector<std::string>& variables) {
  if (text.size() > kLongestExpression) return invalid("the expression is longer than 100000 bytes");
  BOOST_OUTCOME_TRY(tokens, tokens_of(text));
  return Parser(std::move(tokens), variables).whole();
}

}  // namespace headroom::cel
