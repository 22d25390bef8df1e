// Whatever stands where in a stored object, decoding answers: with the object or with an error that names a path.
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/api/limit_ledger.h"
#include "operator/api/region.h"
#include "operator/api/scale_limit.h"
#include "operator/api/scale_target.h"
#include "tests/api/full_objects.h"
#include "tests/support/full_status.h"

namespace headroom::api {
namespace {

using nlohmann::json;

template <class Object>
std::string fault_of(const Result<Object>& decoded) {
  return decoded ? "" : decoded.error().message;
}

struct Kind {
  const char* name;
  json object;
  std::function<std::string(const json&)> decode;  ///< the fault; empty without one
};

std::vector<Kind> kinds() {
  std::vector<Kind> kinds = {
      {"Region", full_region(), [](const json& object) { return fault_of(region_from_json(object)); }},
      {"ScaleTarget", full_scale_target(), [](const json& object) { return fault_of(scale_target_from_json(object)); }},
      {"FestivalSchedule", full_festival_schedule(),
       [](const json& object) { return fault_of(festival_schedule_from_json(object)); }},
      {"ScaleLimit", full_scale_limit(), [](const json& object) { return fault_of(scale_limit_from_json(object)); }},
      {"ClusterScaleLimit", full_cluster_scale_limit(),
       [](const json& object) { return fault_of(cluster_scale_limit_from_json(object)); }},
      {"LimitLedger", full_limit_ledger(),
       [](const json& object) { return fault_of(limit_ledger_from_json(object)); }}};
  kinds[0].object["status"] = to_json(testing_support::full_region_status());
  kinds[1].object["status"] = to_json(testing_support::full_scale_target_status());
  kinds[2].object["status"] = to_json(testing_support::full_festival_schedule_status());
  kinds[3].object["status"] = to_json(testing_support::full_scale_limit_status());
  return kinds;
}

std::vector<json> strange_values() {
  std::vector<json> values;
  for (const char* text : {"null",
                           "true",
                           "7",
                           "-1",
                           "18446744073709551615",
                           "-9223372036854775808",
                           "1.5",
                           "1e400",
                           R"("")",
                           R"("x")",
                           R"("\u0000")",
                           "[]",
                           "{}",
                           "[null]",
                           "[[]]",
                           "[7]",
                           R"(["x"])",
                           "[{}]",
                           R"({"x": 7})",
                           R"({"name": {}})"}) {
    const json value = json::parse(text, nullptr, false);
    if (!value.is_discarded()) values.push_back(value);
  }
  values.emplace_back("\xff\xfe");
  values.emplace_back(std::string(10'000, 'P'));
  values.push_back(json::parse(std::string(500, '[') + std::string(500, ']')));
  return values;
}

/// Every object, list and value below the root.
std::set<std::string> places_of(const json& object) {
  std::set<std::string> places;
  const json leaves = object.flatten();
  for (const auto& [pointer, unused] : leaves.items()) {
    for (json::json_pointer place(pointer); !place.empty(); place.pop_back()) places.insert(place.to_string());
  }
  return places;
}

TEST(Tolerance, decoding_answers_whatever_stands_in_the_place_of_any_field) {
  const std::vector<json> strange_ones = strange_values();
  int faults = 0;
  for (const Kind& kind : kinds()) {
    ASSERT_EQ(kind.decode(kind.object), "") << kind.name;
    for (const std::string& place : places_of(kind.object)) {
      json object = kind.object;
      for (const json& strange : strange_ones) {
        object[json::json_pointer(place)] = strange;
        std::string fault;
        ASSERT_NO_THROW(fault = kind.decode(object)) << kind.name << " " << place;
        if (fault.empty()) continue;
        ++faults;
        EXPECT_TRUE(fault.starts_with("spec") || fault.starts_with("status") || fault.starts_with("record")) << fault;
        EXPECT_LT(fault.size(), 1000u) << kind.name << " " << place;
      }
    }
  }
  EXPECT_GT(faults, 1000);
}

}  // namespace
}  // namespace headroom::api
