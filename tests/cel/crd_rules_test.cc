// Every rule of the project's own definitions is understood: one that is not would be silent in `headroom lint`.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "operator/cel/program.h"
#include "operator/manifest/reader.h"

namespace headroom::cel {
namespace {

int compile_rules(const nlohmann::json& schema, const std::string& place) {
  int count = 0;
  if (schema.is_array()) {
    for (const auto& each : schema) count += compile_rules(each, place);
    return count;
  }
  if (!schema.is_object()) return 0;
  for (const auto& [name, value] : schema.items()) {
    if (name != "x-kubernetes-validations" || !value.is_array()) {
      count += compile_rules(value, place + "." + name);
      continue;
    }
    for (const auto& rule : value) {
      for (const char* field : {"rule", "messageExpression"}) {
        if (!rule.contains(field)) continue;
        const auto program = Program::compile(rule[field].get<std::string>(), {"self", "oldSelf"});
        EXPECT_TRUE(program) << place << ": " << rule[field] << ": " << (program ? "" : program.error().message);
        ++count;
      }
    }
  }
  return count;
}

TEST(CelRules, of_all_definitions_are_understood) {
  std::istringstream nothing;
  const manifest::ReadResult definitions = manifest::read_paths({"crds"}, nothing);
  ASSERT_FALSE(definitions.failed());
  ASSERT_GE(definitions.documents.size(), 6u);
  int count = 0;
  for (const auto& each : definitions.documents) count += compile_rules(each.object(), each.name());
  EXPECT_GT(count, 150);
}

}  // namespace
}  // namespace headroom::cel
