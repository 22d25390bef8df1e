// Small Kubernetes objects for the runtime's tests.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "operator/base/result.h"
#include "operator/runtime/reflector.h"

namespace headroom::runtime {

/// What the tests' stores hold: one number out of `data.value`.
struct Thing {
  int value = 0;
};

inline nlohmann::json thing_object(const std::string& name, const std::string& version, int value = 0) {
  return {{"metadata", {{"namespace", "shop"}, {"name", name}, {"resourceVersion", version}}},
          {"data", {{"value", value}}}};
}

inline Result<Thing> decode_thing(const nlohmann::json& object) {
  const int value = object.at("data").at("value").get<int>();
  if (value < 0) return invalid("data.value: " + std::to_string(value) + " is negative");
  return Thing{value};
}

inline std::string watch_line(const std::string& type, const nlohmann::json& object) {
  return nlohmann::json{{"type", type}, {"object", object}}.dump();
}

inline std::string bookmark_line(const std::string& version) {
  return watch_line("BOOKMARK", {{"metadata", {{"resourceVersion", version}}}});
}

inline std::string error_line(int code, const std::string& reason) {
  return watch_line("ERROR", {{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", reason}});
}

}  // namespace headroom::runtime
