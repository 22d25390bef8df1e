// Places in JSON text. simdjson's DOM keeps the values but neither their positions nor the literals of numbers; where
// those matter, they are found again in the text, by counting members, which needs no reading of keys. Pure.
//
// For text that simdjson has accepted. Other text gives meaningless views, but inside the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headroom::webhook {

/// One member of an object, or one element of a list, whose `key` is empty. The key with its quotes and escapes.
/// `from_value` begins with the value and goes to the end of the text: to look for the value's end costs a pass over
/// it.
struct RawMember {
  std::string_view key, from_value;
};

/// Member or element number `ordinal`, from 0, of the object or list that `text` begins with. Both views are empty when
/// there is none.
RawMember nth_member(std::string_view text, std::size_t ordinal);

/// The value that `text` begins with.
std::string_view leading_value(std::string_view text);

/// How long the value that `text` begins with is without the white space outside its strings.
std::size_t compact_size(std::string_view text);

/// Writes integers of more than 19 digits, which simdjson refuses, as floating-point numbers of the same value: "e0"
/// follows them. An API server sends such when an object holds 1e20. False when there are none; `widened` is then
/// empty. Text that was no JSON does not become any.
bool widen_large_integers(std::string_view text, std::string& widened);

}  // namespace headroom::webhook
