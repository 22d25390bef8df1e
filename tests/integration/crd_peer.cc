// The operator's side of the custom resources, for tests that hold it against the schemas: what the API server accepts
// the operator must be able to read, and what the operator writes the schemas must know.
//
// crd_peer decode    reads one object a line, as JSON; answers each with "ok" or with what is wrong
// crd_peer status    writes, a line each, {"kind": ..., "status": ...} in which every field says something
// crd_peer record    writes the record of a LimitLedger in which every field says something
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "operator/api/festival_schedule.h"
#include "operator/api/limit_ledger.h"
#include "operator/api/region.h"
#include "operator/api/scale_limit.h"
#include "operator/api/scale_target.h"
#include "tests/support/full_status.h"

namespace {

using headroom::Result;
using nlohmann::json;

template <class Object>
std::string verdict(const Result<Object>& decoded) {
  return decoded ? "ok" : decoded.error().message;
}

std::string decode(const json& object) {
  if (!object.is_object()) return "no JSON object";
  const std::string kind = object.value("kind", "");
  if (kind == "Region") return verdict(headroom::api::region_from_json(object));
  if (kind == "ScaleTarget") return verdict(headroom::api::scale_target_from_json(object));
  if (kind == "FestivalSchedule") return verdict(headroom::api::festival_schedule_from_json(object));
  if (kind == "ScaleLimit") return verdict(headroom::api::scale_limit_from_json(object));
  if (kind == "ClusterScaleLimit") return verdict(headroom::api::cluster_scale_limit_from_json(object));
  if (kind == "LimitLedger") return verdict(headroom::api::limit_ledger_from_json(object));
  return "unknown kind \"" + kind + "\"";
}

void write_status(const char* kind, const json& status) {
  std::cout << json{{"kind", kind}, {"status", status}}.dump() << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc == 2 ? argv[1] : "";
  if (mode == "decode") {
    for (std::string line; std::getline(std::cin, line);) {
      std::cout << decode(json::parse(line, nullptr, false)) << "\n";
    }
    return 0;
  }
  if (mode == "status") {
    write_status("Region", to_json(headroom::testing_support::full_region_status()));
    write_status("ScaleTarget", to_json(headroom::testing_support::full_scale_target_status()));
    write_status("FestivalSchedule", to_json(headroom::testing_support::full_festival_schedule_status()));
    write_status("ScaleLimit", to_json(headroom::testing_support::full_scale_limit_status()));
    write_status("ClusterScaleLimit", to_json(headroom::testing_support::full_scale_limit_status()));
    return 0;
  }
  if (mode == "record") {
    std::cout << to_json(headroom::testing_support::full_ledger_record()).dump() << "\n";
    return 0;
  }
  std::cerr << "usage: crd_peer decode|status|record\n";
  return 2;
}
