// How Headroom and all that it looks after stand: a verdict, and what it rests on. Pure.
#pragma once

#include <absl/time/time.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/festival_schedule.h"
#include "operator/api/region.h"
#include "operator/api/scale_limit.h"
#include "operator/api/scale_target.h"

namespace headroom::cli {

/// What was read of a cluster. Lists that could not be read are told in `unread`.
struct StatusFacts {
  std::vector<api::ScaleTarget> targets;
  std::vector<api::FestivalSchedule> schedules;
  std::vector<api::Region> regions;
  std::vector<api::ScaleLimit> limits;  ///< of both kinds
  struct Lease {
    std::string name, holder;
    std::optional<absl::Time> renewed;
    absl::Duration lasts;
    bool alive(absl::Time now) const { return renewed && now < *renewed + lasts; }
  };
  std::optional<Lease> operator_lease;
  std::vector<Lease> webhooks;
  struct Certificate {
    std::string name;      ///< "authority of ValidatingWebhookConfiguration headroom"
    absl::Time not_after;  ///< of the first that ends
  };
  std::vector<Certificate> certificates;
  std::vector<std::string> unread;  ///< "regions.headroom.dev: forbidden …"
};

enum class Verdict { Fine, Attention, CannotTell };

struct StatusReport {
  Verdict verdict = Verdict::Fine;
  std::string line;                   ///< the verdict in one sentence
  std::vector<std::string> concerns;  ///< what asks for attention, the gravest first
};

/// A certificate this near its end is a concern: whoever renews it should have done so by then.
inline constexpr absl::Duration kCertificateConcern = absl::Hours(24 * 14);

StatusReport judge_status(const StatusFacts& facts, absl::Time now);

std::string status_text(const StatusFacts& facts, const StatusReport& report, absl::Time now, bool colours);
nlohmann::json status_json(const StatusFacts& facts, const StatusReport& report, absl::Time now);

/// From a Lease as the API server sends it.
StatusFacts::Lease lease_of(const nlohmann::json& object);

/// When the first of the certificates in a PEM text ends; nullopt where there is none that can be read.
std::optional<absl::Time> first_end_of(const std::string& pem);

}  // namespace headroom::cli
