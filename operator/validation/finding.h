// What stands against one of Headroom's own objects. Pure values.
#pragma once

#include <string>
#include <vector>

namespace headroom::validation {

struct Finding {
  enum class Severity {
    Error,    ///< the object is refused
    Warning,  ///< the object is stored, and its writer is told
  };
  Severity severity = Severity::Warning;
  std::string field;    ///< "spec.follow.target"
  std::string message;  ///< the value, what it means, the remedy
  bool operator==(const Finding&) const = default;
};

/// "spec.follow.target: …".
std::string text_of(const Finding& finding);

/// Errors that the object had before the write become warnings: whoever mends another field, or suspends it, is not to
/// be held up by what was there already.
std::vector<Finding> softened(std::vector<Finding> findings, const std::vector<Finding>& before);

}  // namespace headroom::validation
