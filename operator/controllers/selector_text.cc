#include "operator/controllers/selector_text.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <string>
#include <utility>
#include <vector>

namespace headroom::controllers {
namespace {

using Requirement = api::LabelSelector::Requirement;
using Operator = Requirement::Operator;

std::string trimmed(std::string text) {
  absl::StripAsciiWhitespace(&text);
  return text;
}

/// At commas outside of parentheses.
std::vector<std::string> split_terms(std::string_view text) {
  std::vector<std::string> terms(1);
  int depth = 0;
  for (const char c : text) {
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c == ',' && depth == 0) {
      terms.emplace_back();
    } else {
      terms.back().push_back(c);
    }
  }
  return terms;
}

Result<Requirement> parse_term(const std::string& term) {
  const Error fault = invalid(absl::StrCat("label selector term '", term, "' is not understood"));
  const auto checked = [&](Requirement requirement) -> Result<Requirement> {
    const bool key_ok = !requirement.key.empty() && requirement.key.find_first_of(" ()=!,") == std::string::npos;
    if (!key_ok) return fault;
    return requirement;
  };
  if (const std::size_t open = term.find('('); open != std::string::npos) {
    const std::vector<std::string> words =
        absl::StrSplit(term.substr(0, open), absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.size() != 2 || term.back() != ')' || (words[1] != "in" && words[1] != "notin")) return fault;
    Requirement requirement{words[0], words[1] == "in" ? Operator::In : Operator::NotIn, {}};
    const std::vector<std::string> values = absl::StrSplit(term.substr(open + 1, term.size() - open - 2), ',');
    for (const std::string& value : values) requirement.values.push_back(trimmed(value));
    return checked(std::move(requirement));
  }
  if (const std::size_t sign = term.find('='); sign != std::string::npos) {
    const bool unequal = sign > 0 && term[sign - 1] == '!';
    const std::size_t value_at = !unequal && sign + 1 < term.size() && term[sign + 1] == '=' ? sign + 2 : sign + 1;
    return checked({trimmed(term.substr(0, unequal ? sign - 1 : sign)),
                    unequal ? Operator::NotIn : Operator::In,
                    {trimmed(term.substr(value_at))}});
  }
  if (term.starts_with('!')) return checked({trimmed(term.substr(1)), Operator::DoesNotExist, {}});
  return checked({term, Operator::Exists, {}});
}

}  // namespace

Result<api::LabelSelector> parse_selector_text(std::string_view text) {
  api::LabelSelector selector;
  if (trimmed(std::string(text)).empty()) return selector;
  for (const std::string& term : split_terms(text)) {
    BOOST_OUTCOME_TRY(requirement, parse_term(trimmed(term)));
    selector.match_expressions.push_back(std::move(requirement));
  }
  return selector;
}

}  // namespace headroom::controllers
