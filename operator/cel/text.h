// Texts as CEL sees them: sequences of code points. Pure. Internal to this folder.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "operator/cel/value.h"

namespace headroom::cel {

bool is_utf8(std::string_view text);
std::size_t count_characters(std::string_view text);

/// A text by its characters. Borrows the text.
class Characters {
 public:
  explicit Characters(std::string_view text);
  std::size_t size() const { return starts_.size() - 1; }
  /// Characters [from, to).
  std::string_view range(std::size_t from, std::size_t to) const {
    return text_.substr(starts_[from], starts_[to] - starts_[from]);
  }
  /// The first place at or after `from` where `part` begins, in characters; -1: nowhere.
  std::int64_t find(std::string_view part, std::size_t from) const;
  /// The last place at or before `from`.
  std::int64_t find_last(std::string_view part, std::size_t from) const;

 private:
  std::string_view text_;
  std::vector<std::size_t> starts_;  // of each character, and the end
};

/// What string() makes of a number, bool, timestamp or duration.
std::string plain_text(const Value& value);

}  // namespace headroom::cel
