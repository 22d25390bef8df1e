// Sends an engine's writes in order. Blocking; the first failure ends the run.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "operator/controllers/engine.h"
#include "operator/kube/client.h"

namespace headroom::controllers {

/// How far a run came.
struct SentWrites {
  std::size_t landed = 0;             ///< so many of them, from the first on
  std::vector<std::string> versions;  ///< that the object at `key` went through, oldest first
  std::string uid;                    ///< of that object, where an answer told
  std::optional<Error> error;         ///< what ended the run early; its message names the object and what was tried
};

/// `key` and `kind` tell the object whose version is wanted from others that the same run writes.
SentWrites send_writes(kube::Writer& writer, std::vector<Write> writes, const std::string& kind,
                       const api::ObjectKey& key, const std::stop_token& stop);

}  // namespace headroom::controllers
