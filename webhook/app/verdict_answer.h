// What a verdict of the ledger, or a finding about an object by itself, says to the client. Pure.
#pragma once

#include <string>

#include "operator/limits/compiled_limit.h"
#include "operator/limits/verdict.h"
#include "webhook/answer.h"

namespace headroom::webhook {

/// The object that a write names, for messages.
struct WrittenObject {
  std::string group, resource, ns, name;
};

/// `limit` is the verdict's own; null when it was dropped in the meantime. A limit whose `unavailable` is Ignore lets
/// writes through, with a warning, that cannot be judged.
Answer answer_to(const limits::Verdict& verdict, const limits::CompiledLimit* limit, const WrittenObject& object);

/// The refusal that a finding of an enforced limit is.
Answer refusal_for(const limits::Finding& finding);

/// "ScaleLimit shop/artifacts: over count: used 10, asked 1, hard 10", whatever the verdict's kind; of its rate "over
/// rate: 50 writes within 1s, asked 1, hard 50", of its concurrency "over concurrency: in progress 100, asked 1, hard
/// 100".
std::string figures_text(const limits::Verdict& verdict, const limits::CompiledLimit& limit);

/// Name of the dimension that the verdict is about; empty where it is about none.
std::string dimension_name(const limits::Verdict& verdict, const limits::CompiledLimit& limit);

}  // namespace headroom::webhook
