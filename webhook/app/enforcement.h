// Whether a limit is promised to be exact, and if not, what is awaited. Pure.
//
// It is from the moment on when everything that stands behind the promise has been there for the request deadline, and
// what was let through before that is counted.
#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/scale_limit.h"
#include "operator/limits/escrow.h"

namespace headroom::webhook {

inline constexpr char kEnforced[] = "Enforced";

/// What one generation of a limit has of what it needs, as one replica knows it.
struct EnforcementFacts {
  enum class Webhook {
    None,     ///< no webhook configuration is kept up
    Unknown,  ///< it could not be read
    Lacking,  ///< the API server does not ask about all that the limit matches
    InPlace
  };
  enum class Ledger {
    None,     ///< nothing that the limit says needs one
    Unknown,  ///< not read yet
    Behind,   ///< not yet of this generation, and of what it counts
    Current
  };
  Webhook webhook = Webhook::Unknown;
  std::string webhook_lacks;                 ///< for people
  std::size_t replicas = 0;                  ///< alive
  std::vector<std::string> replicas_behind;  ///< of those: have not seen this generation yet
  Ledger ledger = Ledger::Unknown;
  /// When the newest of webhook configuration and ledger began: what held before says nothing.
  absl::Time founded = absl::InfinitePast();
  /// All that was stored at the end of the wait is in the ledger's base; asked only after it.
  bool secured = false;
  bool operator==(const EnforcementFacts&) const = default;
};

/// What one judgement leaves for the next one of the same generation.
struct EnforcementMemory {
  bool held = false;                          ///< the promise stood
  std::optional<limits::Moment> since;        ///< all that is needed has been there, without a break
  absl::Time founded = absl::InfinitePast();  ///< nothing that it stands upon is newer
};

/// What a stored status lets a replica believe that has not seen how it came about: a promise that stood for this
/// generation stands on, unless webhook or ledger have begun anew since.
EnforcementMemory remembered(const api::ScaleLimitStatus& status, std::int64_t generation);

struct Enforcement {
  enum class Stage { NoWebhook, AwaitingWebhook, AwaitingReplicas, AwaitingLedger, SettlingIn, Holds };
  Stage stage = Stage::AwaitingWebhook;
  std::string message;  ///< for a tired operator
  EnforcementMemory memory;
};
/// As a condition's reason.
const char* to_string(Enforcement::Stage stage);

/// From when on nothing can land any more that was let through before `memory.since`; null while that is not known.
std::optional<limits::BootTime> end_of_wait(const EnforcementMemory& memory, absl::Duration request_deadline);

/// `request_deadline`: how long the API server may take to carry out what it was asked for.
Enforcement judge_enforcement(const api::ScaleLimit& limit, const EnforcementFacts& facts,
                              const EnforcementMemory& memory, absl::Duration request_deadline, limits::Moment now);

}  // namespace headroom::webhook
