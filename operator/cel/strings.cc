// The functions of texts: CEL's own and those of its strings extension. Places are counted in code points.
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <limits>
#include <string>

#include "operator/cel/expression.h"
#include "operator/cel/format.h"
#include "operator/cel/text.h"

namespace headroom::cel {
namespace {

/// The texts of a call; null with a text missing.
const std::string* text_at(const Call& call, std::size_t index) {
  return index < call.arguments.size() ? call[index].as<std::string>() : nullptr;
}
const std::int64_t* int_at(const Call& call, std::size_t index) {
  return index < call.arguments.size() ? call[index].as<std::int64_t>() : nullptr;
}

Status pay(const Call& call) {
  std::size_t bytes = 0;
  for (const Value& each : call.arguments) {
    if (const auto* text = each.as<std::string>()) bytes += text->size();
  }
  return call.evaluation.spend(bytes / 10);
}

Error out_of_range(std::int64_t index) { return cel_error(absl::StrCat("index out of range: ", index)); }

bool contains_part(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }
bool begins(std::string_view text, std::string_view part) { return text.starts_with(part); }
bool ends(std::string_view text, std::string_view part) { return text.ends_with(part); }

template <bool (*Holds)(std::string_view, std::string_view)>
Result<Value> compared(const Call& call) {
  const auto *text = text_at(call, 0), *part = text_at(call, 1);
  if (!text || !part) return no_such_overload("contains, startsWith or endsWith", call);
  BOOST_OUTCOME_TRYV(pay(call));
  return Value(Holds(*text, *part));
}

Result<Value> lower(const Call& call) {
  const auto* text = text_at(call, 0);
  if (!text) return no_such_overload("lowerAscii", call);
  BOOST_OUTCOME_TRYV(pay(call));
  return Value(absl::AsciiStrToLower(*text));
}

Result<Value> upper(const Call& call) {
  const auto* text = text_at(call, 0);
  if (!text) return no_such_overload("upperAscii", call);
  BOOST_OUTCOME_TRYV(pay(call));
  return Value(absl::AsciiStrToUpper(*text));
}

Result<Value> char_at(const Call& call) {
  const auto* text = text_at(call, 0);
  const auto* index = int_at(call, 1);
  if (!text || !index) return no_such_overload("charAt", call);
  BOOST_OUTCOME_TRYV(pay(call));
  const Characters characters(*text);
  const auto size = static_cast<std::int64_t>(characters.size());
  if (*index < 0 || *index > size) return out_of_range(*index);
  if (*index == size) return Value("");
  const auto at = static_cast<std::size_t>(*index);
  return Value(characters.range(at, at + 1));
}

Result<Value> substring(const Call& call) {
  const auto* text = text_at(call, 0);
  const auto* from = int_at(call, 1);
  if (!text || !from || (call.arguments.size() == 3 && !int_at(call, 2))) return no_such_overload("substring", call);
  BOOST_OUTCOME_TRYV(pay(call));
  const Characters characters(*text);
  const auto size = static_cast<std::int64_t>(characters.size());
  const std::int64_t to = call.arguments.size() == 3 ? *int_at(call, 2) : size;
  if (*from < 0 || *from > size) return out_of_range(*from);
  if (to < 0 || to > size) return out_of_range(to);
  if (*from > to) return cel_error(absl::StrCat("invalid substring range: ", *from, " to ", to));
  return Value(characters.range(static_cast<std::size_t>(*from), static_cast<std::size_t>(to)));
}

Result<Value> split(const Call& call) {
  const auto *text = text_at(call, 0), *separator = text_at(call, 1);
  const auto* limit = int_at(call, 2);
  if (!text || !separator || (call.arguments.size() == 3 && !limit)) return no_such_overload("split", call);
  BOOST_OUTCOME_TRYV(pay(call));
  std::int64_t left = limit ? *limit : -1;
  List parts;
  if (left == 0) return Value(std::move(parts));
  std::size_t from = 0;
  if (separator->empty()) {
    const Characters characters(*text);
    std::size_t i = 0;
    for (; i < characters.size() && left != 1; ++i, --left) parts.emplace_back(characters.range(i, i + 1));
    if (i < characters.size()) parts.emplace_back(characters.range(i, characters.size()));
    return Value(std::move(parts));
  }
  for (; left != 1; --left) {
    const std::size_t found = text->find(*separator, from);
    if (found == std::string::npos) break;
    parts.emplace_back(text->substr(from, found - from));
    from = found + separator->size();
  }
  parts.emplace_back(text->substr(from));
  return Value(std::move(parts));
}

Result<Value> replace(const Call& call) {
  const auto *text = text_at(call, 0), *old_part = text_at(call, 1), *new_part = text_at(call, 2);
  const auto* limit = int_at(call, 3);
  if (!text || !old_part || !new_part || (call.arguments.size() == 4 && !limit))
    return no_such_overload("replace", call);
  std::int64_t left = limit && *limit >= 0 ? *limit : std::numeric_limits<std::int64_t>::max();
  std::string out;
  std::size_t from = 0;
  const Characters characters(old_part->empty() ? std::string_view(*text) : std::string_view());
  std::size_t next = 0;  // character before which an empty part is found
  for (; left > 0; --left) {
    BOOST_OUTCOME_TRYV(call.evaluation.spend(1 + new_part->size() / 10));
    if (old_part->empty()) {
      out += *new_part;
      if (next == characters.size()) return Value(std::move(out));
      out += characters.range(next, next + 1);
      from += characters.range(next, next + 1).size();
      ++next;
      continue;
    }
    const std::size_t found = text->find(*old_part, from);
    if (found == std::string::npos) break;
    out.append(*text, from, found - from).append(*new_part);
    from = found + old_part->size();
  }
  out.append(*text, from);
  BOOST_OUTCOME_TRYV(call.evaluation.spend(out.size() / 10));
  return Value(std::move(out));
}

Result<Value> trim(const Call& call) {
  const auto* text = text_at(call, 0);
  if (!text) return no_such_overload("trim", call);
  BOOST_OUTCOME_TRYV(pay(call));
  // Unicode's White_Space.
  static constexpr std::string_view kSpaces[] = {" ",      "\t",     "\n",     "\v",     "\f",     "\r",     "\u0085",
                                                 "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004",
                                                 "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u2028",
                                                 "\u2029", "\u202f", "\u205f", "\u3000"};
  std::string_view left = *text;
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view space : kSpaces) {
      if (left.starts_with(space)) {
        left.remove_prefix(space.size());
        found = true;
      }
      if (left.ends_with(space)) {
        left.remove_suffix(space.size());
        found = true;
      }
    }
  }
  return Value(left);
}

Result<Value> reverse(const Call& call) {
  const auto* text = text_at(call, 0);
  if (!text) return no_such_overload("reverse", call);
  BOOST_OUTCOME_TRYV(pay(call));
  const Characters characters(*text);
  std::string out;
  for (std::size_t i = characters.size(); i > 0; --i) out += characters.range(i - 1, i);
  return Value(std::move(out));
}

Result<Value> join(const Call& call) {
  const List* list = call[0].as<List>();
  const auto* separator = text_at(call, 1);
  if (!list || (call.arguments.size() == 2 && !separator)) return no_such_overload("join", call);
  std::string out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto* text = (*list)[i].as<std::string>();
    if (!text) return no_such_overload("join", call);
    if (separator && i > 0) out += *separator;
    out += *text;
    BOOST_OUTCOME_TRYV(call.evaluation.spend(1 + text->size() / 10 + (separator ? separator->size() / 10 : 0)));
  }
  return Value(std::move(out));
}

Result<Value> format(const Call& call) {
  const auto* text = text_at(call, 0);
  const List* arguments = call[1].as<List>();
  if (!text || !arguments) return no_such_overload("format", call);
  BOOST_OUTCOME_TRYV(pay(call));
  BOOST_OUTCOME_TRY(out, formatted(*text, *arguments));
  BOOST_OUTCOME_TRYV(call.evaluation.spend(out.size() / 10));
  return Value(std::move(out));
}

constexpr Function kFunctions[] = {
    {"contains", true, 2, compared<contains_part>},
    {"startsWith", true, 2, compared<begins>},
    {"endsWith", true, 2, compared<ends>},
    {"lowerAscii", true, 1, lower},
    {"upperAscii", true, 1, upper},
    {"charAt", true, 2, char_at},
    {"substring", true, 2, substring},
    {"substring", true, 3, substring},
    {"split", true, 2, split},
    {"split", true, 3, split},
    {"replace", true, 3, replace},
    {"replace", true, 4, replace},
    {"trim", true, 1, trim},
    {"reverse", true, 1, reverse},
    {"join", true, 1, join},
    {"join", true, 2, join},
    {"format", true, 2, format},
};

}  // namespace

std::span<const Function> string_functions() { return kFunctions; }

}  // namespace headroom::cel
