// For tests against kubectl: reads manifests from standard input and writes each document as a line of JSON; problems
// go to standard error and make the program fail.
#include <iostream>
#include <iterator>
#include <string>

#include "operator/manifest/reader.h"

int main() {
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  const auto result = headroom::manifest::read_text(text, "-");
  for (const auto& document : result.documents) std::cout << document.json() << '\n';
  for (const auto& problem : result.problems) std::cerr << problem.to_string() << '\n';
  return result.failed() ? 1 : 0;
}
