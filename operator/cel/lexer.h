// The words of an expression. Internal to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace headroom::cel {

struct Token {
  enum class Kind { End, Name, Int, Uint, Double, Text, Bytes, Symbol };
  Kind kind = Kind::End;
  std::string text;         ///< Name, Symbol; the contents of Text and Bytes
  std::uint64_t whole = 0;  ///< Int and Uint: the magnitude
  double number = 0;        ///< Double
  std::size_t offset = 0;
};

/// Ends with an End token. InvalidArgument names the place.
Result<std::vector<Token>> tokens_of(std::string_view text);

/// "at character 12: problem".
Error syntax_error(std::size_t offset, const std::string& problem);

}  // namespace headroom::cel
