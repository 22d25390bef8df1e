// For tests against a real API server: reads a JSON object from each line and answers what this library says of it as
// one line of JSON, {"accepted": true, "causes": [["spec.replicas.max", "Required value"]]}.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "operator/base/time_zone.h"
#include "operator/schema/definitions.h"

int main() {
  using headroom::schema::Definitions;
  using nlohmann::json;
  headroom::cel::Options options;
  options.zones = headroom::load_time_zone;
  for (std::string line; std::getline(std::cin, line);) {
    const json object = json::parse(line);
    const auto* definition = Definitions::own().find("headroom.dev", "v1alpha1", object.at("kind").get<std::string>());
    if (!definition) return 1;
    const auto judgement = headroom::schema::judge(*definition, object, options);
    json causes = json::array();
    for (const auto& each : judgement.violations) causes.push_back(json::array({each.field, each.message}));
    std::cout << json{{"accepted", judgement.violations.empty()}, {"causes", causes}}.dump() << '\n';
  }
  return 0;
}
