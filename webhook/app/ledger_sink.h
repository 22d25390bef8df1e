// Feeds the engine from the watch of LimitLedgers. The reflector's thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "operator/runtime/reflector.h"
#include "webhook/app/engine.h"

namespace headroom::webhook {

class LedgerSink final : public runtime::ObjectSink {
 public:
  /// `engine` outlives this.
  explicit LedgerSink(Engine& engine) : engine_(engine) {}

  void listed(const nlohmann::json& object) override { tell(object); }
  void discard_listed() override {}
  std::vector<api::ObjectKey> commit_listed() override { return {}; }
  api::ObjectKey applied(const nlohmann::json& object) override;
  api::ObjectKey deleted(const nlohmann::json& object) override;

 private:
  void tell(const nlohmann::json& object);

  Engine& engine_;
};

}  // namespace headroom::webhook
