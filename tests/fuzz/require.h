// How a fuzz target states what must hold.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace headroom::fuzz {

/// Ends the program, which is a finding to libFuzzer and a failure to the replay, unless `holds`; `promise` says what
/// was broken.
inline void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", promise);
  std::abort();
}

}  // namespace headroom::fuzz
