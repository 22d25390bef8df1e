#include "webhook/app/ledger_sink.h"

#include <nlohmann/json.hpp>

#include "operator/api/limit_ledger.h"
#include "operator/base/log.h"

namespace headroom::webhook {

api::ObjectKey LedgerSink::applied(const nlohmann::json& object) {
  tell(object);
  return {};
}

api::ObjectKey LedgerSink::deleted(const nlohmann::json& object) {
  const std::string name = api::meta_from_json(object).name;
  log::warning("a ledger was deleted", {{"ledger", name}});
  engine_.ledger_deleted(name);
  return {};
}

void LedgerSink::tell(const nlohmann::json& object) {
  const Result<api::LimitLedger> ledger = api::limit_ledger_from_json(object);
  if (ledger) return engine_.ledger_seen(ledger.value());
  log::error("a ledger cannot be read",
             {{"ledger", api::meta_from_json(object).name}, {"error", ledger.error().message}});
}

}  // namespace headroom::webhook
