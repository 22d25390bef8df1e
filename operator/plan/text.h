// Sentences for people, put together from text and whole numbers. Pure. (Debian's Abseil has a string_view of its own,
// which std::string_view does not turn into, so its StrCat is of little help here.)
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace headroom::plan {

inline void append_part(std::string& out, std::string_view part) { out += part; }

template <std::integral Number>
void append_part(std::string& out, Number number) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

template <class... Parts>
void append_text(std::string& out, const Parts&... parts) {
  (append_part(out, parts), ...);
}

/// "capped by max ", 100 → "capped by max 100".
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::string out;
  append_text(out, parts...);
  return out;
}

/// ASCII letters made capital; what is no letter stays.
inline std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

/// The pieces of `text` between separators; one piece when there is none.
template <class Visitor>
void for_each_piece(std::string_view text, char separator, Visitor visit) {
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = text.find(separator);
    visit(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace headroom::plan
