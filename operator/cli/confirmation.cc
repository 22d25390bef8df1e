#include "operator/cli/confirmation.h"

#include <istream>
#include <ostream>

namespace headroom::cli {

Result<bool> confirmed(Console& console, const std::string& question, bool yes) {
  if (yes) return true;
  if (!console.interactive) return invalid("nobody is there to be asked \"" + question + "\"; --yes answers for you");
  console.errors << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(console.in, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace headroom::cli
