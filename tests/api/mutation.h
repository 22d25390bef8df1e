// One thing changed in an otherwise good object, and what decoding must say of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace headroom::api {

struct Mutation {
  const char* pointer;  ///< RFC 6901, "/spec/replicas/max"
  const char* value;    ///< JSON; empty removes the field
  const char* error;    ///< what the message contains, its path first
};

inline nlohmann::json mutated(nlohmann::json object, const Mutation& mutation) {
  const nlohmann::json::json_pointer pointer(mutation.pointer);
  if (*mutation.value == '\0') {
    object.at(pointer.parent_pointer()).erase(pointer.back());
  } else {
    object[pointer] = nlohmann::json::parse(mutation.value);
  }
  return object;
}

}  // namespace headroom::api
