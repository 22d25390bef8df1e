#include "operator/validation/finding.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

namespace headroom::validation {

std::string text_of(const Finding& finding) {
  return finding.field.empty() ? finding.message : absl::StrCat(finding.field, ": ", finding.message);
}

std::vector<Finding> softened(std::vector<Finding> findings, const std::vector<Finding>& before) {
  for (Finding& finding : findings) {
    if (std::ranges::find(before, finding) != before.end()) finding.severity = Finding::Severity::Warning;
  }
  return findings;
}

}  // namespace headroom::validation
