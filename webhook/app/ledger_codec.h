// Between a limit's ledger as the API server keeps it and as the ledger's state machine knows it. Pure.
#pragma once

#include <vector>

#include "operator/api/limit_ledger.h"
#include "operator/kube/client.h"
#include "operator/limits/compiled_limit.h"
#include "operator/limits/ledger_record.h"

namespace headroom::webhook {

/// The resource that a ledger belongs to, in Headroom's namespace.
extern const kube::ResourceType kLimitLedger;

/// api::ledger_name() of the limit.
std::string ledger_name_of(const limits::CompiledLimit& limit);

/// What is recorded for the limit. A record of a limit of the same name with another uid, and a protocol that this
/// version does not speak, say nothing but their epoch and version: a swap starts anew on them.
limits::LedgerRecord read_ledger(const api::LimitLedger& ledger, const limits::CompiledLimit& limit);

/// What a swap writes.
api::LedgerRecord written_ledger(const limits::LedgerRecord& record, const limits::CompiledLimit& limit);

}  // namespace headroom::webhook
