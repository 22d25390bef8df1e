// What `headroom lint` found, and how it is told. Plain values, pure.
#pragma once

#include <string>
#include <vector>

#include "operator/manifest/position.h"

namespace headroom::lint {

struct Finding {
  enum class Severity {
    Error,    ///< an API server, a webhook or the operator would refuse it
    Warning,  ///< it would be stored, and would not do what was probably meant
    Note,     ///< what could not be judged from these files
  };
  Severity severity = Severity::Error;
  std::string rule;    ///< one of rules()
  std::string object;  ///< "ScaleTarget shop/web"; empty: the file
  std::string field;   ///< "spec.phases[2].from"; empty: the object as a whole
  manifest::Position where;
  std::string message;
  std::string remedy;  ///< may be empty
};

struct JudgedObject {
  std::string title;
  manifest::Position where;
};

struct Report {
  std::vector<Finding> findings;      ///< by file, line and column
  std::vector<JudgedObject> objects;  ///< of Headroom's kinds
  std::size_t other_objects = 0;      ///< only looked at for what ours refer to

  std::size_t count(Finding::Severity severity) const;
  /// 0: nothing stands against these files; 1: something does.
  int exit_code(bool warnings_as_errors) const;
};

struct RuleDescription {
  const char* id;
  const char* text;
};
/// Every rule that a finding can name.
const std::vector<RuleDescription>& rules();

enum class Format { Text, Json, Sarif, JUnit };

/// Text: a line "file:line:column: error: message; remedy [rule]" for each finding and one that counts them.
/// Sarif: SARIF 2.1.0, what code hosts show beside a change. JUnit: a test case for each object; only errors fail.
std::string format(const Report& report, Format format);

}  // namespace headroom::lint
