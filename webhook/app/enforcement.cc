#include "webhook/app/enforcement.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "operator/api/object.h"
#include "operator/base/duration.h"

namespace headroom::webhook {
namespace {

using Facts = EnforcementFacts;
using Stage = Enforcement::Stage;

constexpr std::size_t kNamed = 3;

std::string some(const std::vector<std::string>& names) {
  const std::size_t named = std::min(names.size(), kNamed);
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(named);
  return absl::StrCat(absl::StrJoin(names.begin(), end, ", "),
                      names.size() > named ? absl::StrCat(" and ", names.size() - named, " more") : "");
}

/// What is not there yet; null where everything is.
struct Awaited {
  Stage stage;
  std::string message;
};

/// Whether all that is needed can be seen at all.
bool is_known(const Facts& facts) {
  return facts.webhook != Facts::Webhook::Unknown && facts.ledger != Facts::Ledger::Unknown && facts.replicas > 0;
}

/// `was_there`: it was when last seen, and what is not known now is taken to be so still.
std::optional<Awaited> awaited_webhook(const Facts& facts, bool was_there) {
  switch (facts.webhook) {
    case Facts::Webhook::None:
      return Awaited{Stage::NoWebhook,
                     "no webhook configuration is kept up, so nobody vouches that the API server asks about writes: "
                     "start headroom-webhook with --webhook-configuration"};
    case Facts::Webhook::Unknown:
      if (was_there) return std::nullopt;
      return Awaited{Stage::AwaitingWebhook, "the webhook configuration has not been read yet"};
    case Facts::Webhook::Lacking:
      return Awaited{Stage::AwaitingWebhook, facts.webhook_lacks};
    case Facts::Webhook::InPlace:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Awaited> awaited(const api::ScaleLimit& limit, const Facts& facts, bool was_there) {
  if (auto webhook = awaited_webhook(facts, was_there)) return webhook;
  if (!facts.replicas_behind.empty()) {
    return Awaited{Stage::AwaitingReplicas,
                   absl::StrCat(facts.replicas_behind.size(), " of ", facts.replicas,
                                " webhook replicas have not said yet that they judge by generation ",
                                limit.meta.generation, ": ", some(facts.replicas_behind))};
  }
  if (facts.replicas == 0 && !was_there)
    return Awaited{Stage::AwaitingReplicas, "no webhook replica has shown itself yet"};
  if (facts.ledger == Facts::Ledger::Behind || (facts.ledger == Facts::Ledger::Unknown && !was_there)) {
    return Awaited{Stage::AwaitingLedger, absl::StrCat("the ledger of what is stored and granted is not yet that of ",
                                                       "generation ", limit.meta.generation)};
  }
  return std::nullopt;
}

std::string promise(const api::ScaleLimit& limit) {
  std::string text = "the limit is exact";
  if (limit.spec.unavailable == api::ScaleLimitSpec::Unavailable::Ignore) {
    absl::StrAppend(&text, " while a webhook replica is there; without one writes pass, as spec.unavailable is Ignore");
  }
  return text;
}

}  // namespace

const char* to_string(Stage stage) {
  switch (stage) {
    case Stage::NoWebhook:
      return "NoWebhook";
    case Stage::AwaitingWebhook:
      return "AwaitingWebhook";
    case Stage::AwaitingReplicas:
      return "AwaitingReplicas";
    case Stage::AwaitingLedger:
      return "AwaitingLedger";
    case Stage::SettlingIn:
      return "SettlingIn";
    case Stage::Holds:
      return "Exact";
  }
  return "";
}

EnforcementMemory remembered(const api::ScaleLimitStatus& status, std::int64_t generation) {
  EnforcementMemory memory;
  const api::Condition* const condition = api::find_condition(status.conditions, kEnforced);
  memory.held = condition != nullptr && condition->status && condition->observed_generation == generation;
  if (memory.held) memory.founded = condition->last_transition;
  return memory;
}

std::optional<limits::BootTime> end_of_wait(const EnforcementMemory& memory, absl::Duration request_deadline) {
  if (!memory.since) return std::nullopt;
  return memory.since->boot + request_deadline;
}

Enforcement judge_enforcement(const api::ScaleLimit& limit, const Facts& facts, const EnforcementMemory& memory,
                              absl::Duration request_deadline, limits::Moment now) {
  const bool same_ground = facts.founded <= memory.founded;
  const bool held = memory.held && same_ground;
  Enforcement enforcement;
  enforcement.memory.founded = std::max(facts.founded, memory.founded);
  const bool waiting = memory.since && same_ground;
  if (auto missing = awaited(limit, facts, held || waiting)) {
    enforcement.stage = missing->stage;
    enforcement.message = std::move(missing->message);
    return enforcement;
  }
  if (held) {
    enforcement.stage = Stage::Holds;
    enforcement.message = promise(limit);
    enforcement.memory.held = true;
    return enforcement;
  }
  const limits::Moment since = waiting ? *memory.since : now;
  enforcement.memory.since = since;
  const bool waited = since.boot + request_deadline <= now.boot;
  if (waited && is_known(facts) && (facts.secured || facts.ledger == Facts::Ledger::None)) {
    enforcement.stage = Stage::Holds;
    enforcement.message = promise(limit);
    enforcement.memory.held = true;
    return enforcement;
  }
  enforcement.stage = Stage::SettlingIn;
  const std::string until = format_rfc3339(since.wall + request_deadline);
  enforcement.message =
      absl::StrCat("every write is judged since ", format_rfc3339(since.wall), "; one that was let through before may ",
                   "land until ", until, ", and the limit is exact once those are counted");
  return enforcement;
}

}  // namespace headroom::webhook
