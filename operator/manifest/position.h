// Places in files that people edit. Plain values.
#pragma once

#include <compare>
#include <string>

namespace headroom::manifest {

/// Where something stands in a text: 1 is the first line and the first column; columns count characters (code points),
/// as editors do. 0: not known.
struct Mark {
  int line = 0, column = 0;
  auto operator<=>(const Mark&) const = default;
};

struct Position {
  std::string file;  ///< as it was named by whoever asked; "-" is standard input
  int line = 0, column = 0;
  auto operator<=>(const Position&) const = default;
  /// "file:line:column", which editors and CI systems turn into a link; without what is 0.
  std::string to_string() const;
};

}  // namespace headroom::manifest
