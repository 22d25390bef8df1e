#include "operator/controllers/region_parameters.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace headroom::controllers {
namespace {

using Data = std::map<std::string, std::string>;

api::RegionSpec spec(std::vector<std::string> namespaces, Data parameters) {
  api::RegionSpec spec;
  spec.parameter_namespaces = std::move(namespaces);
  spec.parameters = std::move(parameters);
  return spec;
}

FoundParameters found(const std::string& ns, Data data, const std::string& region = "eu-west-1") {
  return {ns, "uid-" + ns, "7", region, std::move(data)};
}

struct Row {
  const char* what;
  api::RegionSpec spec;
  std::vector<FoundParameters> found;
  std::vector<std::string> apply, remove;
  int problems = 0;
};

TEST(RegionParameters, are_written_where_they_are_missing_or_differ_and_removed_where_they_are_no_longer_wanted) {
  const Data wanted = {{"epsilon", "1.0"}, {"redaction", "aggressive"}};
  const Row table[] = {
      {"missing", spec({"shop"}, wanted), {}, {"shop"}, {}},
      {"as it should be", spec({"shop"}, wanted), {found("shop", wanted)}, {}, {}},
      {"changed by hand",
       spec({"shop"}, wanted),
       {found("shop", {{"epsilon", "9"}, {"redaction", "aggressive"}})},
       {"shop"},
       {}},
      {"a key lost", spec({"shop"}, wanted), {found("shop", {{"epsilon", "1.0"}})}, {"shop"}, {}},
      {"a key that the spec has dropped", spec({"shop"}, {{"epsilon", "1.0"}}), {found("shop", wanted)}, {"shop"}, {}},
      {"a namespace dropped", spec({"shop"}, wanted), {found("shop", wanted), found("old", wanted)}, {}, {"old"}},
      {"all dropped", spec({}, {}), {found("shop", wanted)}, {}, {"shop"}},
      {"one made by somebody without our label", spec({"shop"}, wanted), {found("shop", wanted, "")}, {"shop"}, {}},
      {"another Region's", spec({"shop"}, wanted), {found("shop", wanted, "eu-central-1")}, {}, {}, 1},
      {"no parameters, but a place for them", spec({"shop"}, {}), {}, {"shop"}, {}},
  };
  for (const Row& row : table) {
    const ParameterPlan plan = plan_parameters("eu-west-1", row.spec, row.found);
    EXPECT_EQ(plan.apply, row.apply) << row.what;
    std::vector<std::string> removed;
    for (const FoundParameters& one : plan.remove) removed.push_back(one.ns);
    EXPECT_EQ(removed, row.remove) << row.what;
    EXPECT_EQ(static_cast<int>(plan.problems.size()), row.problems) << row.what;
  }
}

TEST(RegionParameters, read_back_what_was_written) {
  const auto config_map = parameter_config_map("eu-west-1", "shop", {{"epsilon", "1.0"}});
  const FoundParameters read = found_parameters_from_json(config_map);
  EXPECT_EQ(read.ns, "shop");
  EXPECT_EQ(read.region, "eu-west-1");
  EXPECT_EQ(read.data, (Data{{"epsilon", "1.0"}}));
  EXPECT_EQ(config_map["metadata"]["name"], "headroom-region");
  EXPECT_EQ(config_map["metadata"]["labels"]["app.kubernetes.io/managed-by"], "headroom");
}

TEST(RegionParameters, long_region_names_become_distinct_label_values) {
  const std::string base(80, 'a');
  const std::string one = region_label_value(base + "1"), two = region_label_value(base + "2");
  EXPECT_EQ(one.size(), 63U);
  EXPECT_NE(one, two);
  EXPECT_EQ(region_label_value("eu-west-1"), "eu-west-1");
}

}  // namespace
}  // namespace headroom::controllers
