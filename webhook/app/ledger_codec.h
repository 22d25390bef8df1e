// Between a limit's ledger as the API server keeps it and as the ledger's state machine knows it. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "operator/api/limit_ledger.h"
#include "operator/kube/client.h"
#include "operator/limits/compiled_limit.h"
#include "operator/limits/ledger_record.h"

namespace headroom::webhook {

/// A limit may have a ledger of what is stored, and one of its flow: writes in progress, and writes per time.
enum class LedgerPart { Stored, Flow };
/// Of a LimitId that is the limit's own, or its flow().
LedgerPart part_of(const limits::CompiledLimit& limit, limits::LimitId id);

/// api::ledger_name() of the limit; of its flow with "flow." before it, which no such name begins with.
std::string ledger_name_of(const limits::CompiledLimit& limit, LedgerPart part = LedgerPart::Stored);

/// Which protocol of the ledger a replica speaks, on its Lease: newer replicas write nothing that an older one that
/// lives could not read.
inline constexpr char kProtocolAnnotation[] = "headroom.dev/ledger-protocol";

/// The ledger of the flow, by the name of that of what is stored.
std::string flow_ledger_name(const std::string& stored);

/// What is recorded for the limit. A record of a limit of the same name with another uid says nothing but its epoch and
/// version: a swap starts anew on it. Unavailable for a protocol that this version does not speak: what is granted
/// there is not known, so nothing may be admitted beside it.
Result<limits::LedgerRecord> read_ledger(const api::LimitLedger& ledger, const limits::CompiledLimit& limit);

/// What a swap writes.
api::LedgerRecord written_ledger(const limits::LedgerRecord& record, const limits::CompiledLimit& limit,
                                 LedgerPart part = LedgerPart::Stored);

/// The JSON patch by which it does, over resourceVersion `condition` or not at all. Members of the record that this
/// version does not know, a newer one's, stay. Where the condition does not hold the API server answers 409 to a
/// `replace` of the resourceVersion (tried on Kubernetes 1.36), but 422 to a `test`, as to a record that the schema
/// refuses.
nlohmann::json swap_patch(const std::string& condition, const api::LedgerRecord& record);

}  // namespace headroom::webhook
