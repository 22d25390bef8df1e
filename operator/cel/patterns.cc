// Regular expressions, by RE2: the very syntax and meaning of Go's, which an API server uses.
#include <re2/re2.h>
#include <re2/stringpiece.h>

#include <memory>

#include "operator/cel/expression.h"

namespace headroom::cel {
namespace {

/// The pattern of a call, compiled now where it was no literal.
Result<std::shared_ptr<const RE2>> pattern_of(const Call& call) {
  if (call.pattern) return std::shared_ptr<const RE2>(std::shared_ptr<const RE2>(), call.pattern);
  const auto* text = call[1].as<std::string>();
  if (!text) return no_such_overload("matches, find or findAll", call);
  BOOST_OUTCOME_TRYV(call.evaluation.spend(text->size()));
  auto pattern = std::make_shared<const RE2>(*text, RE2::Quiet);
  if (!pattern->ok()) return cel_error("no regular expression: " + pattern->error());
  return std::shared_ptr<const RE2>(std::move(pattern));
}

Result<const std::string*> text_of(const Call& call) {
  const auto* text = call[0].as<std::string>();
  if (!text) return no_such_overload("matches, find or findAll", call);
  BOOST_OUTCOME_TRYV(call.evaluation.spend(text->size()));
  return text;
}

Result<Value> matches(const Call& call) {
  BOOST_OUTCOME_TRY(text, text_of(call));
  BOOST_OUTCOME_TRY(pattern, pattern_of(call));
  return Value(RE2::PartialMatch(*text, *pattern));
}

Result<Value> find_first(const Call& call) {
  BOOST_OUTCOME_TRY(text, text_of(call));
  BOOST_OUTCOME_TRY(pattern, pattern_of(call));
  re2::StringPiece match;
  if (!pattern->Match(*text, 0, text->size(), RE2::UNANCHORED, &match, 1)) return Value("");
  return Value(match.as_string());
}

Result<Value> find_all(const Call& call) {
  BOOST_OUTCOME_TRY(text, text_of(call));
  BOOST_OUTCOME_TRY(pattern, pattern_of(call));
  const auto* limit = call.arguments.size() == 3 ? call[2].as<std::int64_t>() : nullptr;
  if (call.arguments.size() == 3 && !limit) return no_such_overload("findAll", call);
  List all;
  std::size_t from = 0;
  re2::StringPiece match;
  while ((!limit || *limit < 0 || static_cast<std::int64_t>(all.size()) < *limit) && from <= text->size() &&
         pattern->Match(*text, from, text->size(), RE2::UNANCHORED, &match, 1)) {
    BOOST_OUTCOME_TRYV(call.evaluation.spend(1));
    all.emplace_back(match.as_string());
    const auto end = static_cast<std::size_t>(match.data() - text->data()) + match.size();
    from = match.empty() ? end + 1 : end;
  }
  return Value(std::move(all));
}

constexpr Function kFunctions[] = {
    {"matches", true, 2, matches},  {"matches", false, 2, matches}, {"find", true, 2, find_first},
    {"findAll", true, 2, find_all}, {"findAll", true, 3, find_all},
};

}  // namespace

std::span<const Function> pattern_functions() { return kFunctions; }

}  // namespace headroom::cel
