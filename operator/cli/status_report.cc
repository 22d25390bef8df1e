#include "operator/cli/status_report.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "operator/base/duration.h"
#include "operator/cli/text_table.h"
#include "operator/plan/text.h"

namespace headroom::cli {
namespace {

using nlohmann::json;
using plan::concat;

const api::Condition* condition(const std::vector<api::Condition>& all, const char* type) {
  return api::find_condition(all, type);
}

bool holds(const std::vector<api::Condition>& all, const char* type) {
  const api::Condition* found = condition(all, type);
  return found != nullptr && found->status;
}

std::string age(absl::Duration span) {
  if (span < absl::ZeroDuration()) return "0s";
  const absl::Duration unit = span < absl::Minutes(2) ? absl::Seconds(1)
                              : span < absl::Hours(2) ? absl::Minutes(1)
                                                      : absl::Hours(1);
  return format_duration(absl::Trunc(span, unit));
}

std::int64_t days_left(absl::Time end, absl::Time now) {
  absl::Duration rest;
  return absl::IDivDuration(end - now, absl::Hours(24), &rest);
}

std::string target_state(const api::ScaleTarget& target) {
  for (const char* type : {"Contested", "Capped", "RivalScaler", "Frozen"}) {
    if (holds(target.status.conditions, type)) return type;
  }
  const api::Condition* ready = condition(target.status.conditions, "Ready");
  return ready == nullptr ? "Unknown" : ready->status ? "Ready" : ready->reason;
}

const char* limit_kind(const api::ScaleLimit& limit) {
  return limit.kind == api::LimitKind::ScaleLimit ? "ScaleLimit" : "ClusterScaleLimit";
}

Tone tone_of(api::LimitLevel level) {
  switch (level) {
    case api::LimitLevel::Green:
      return Tone::Good;
    case api::LimitLevel::Yellow:
    case api::LimitLevel::Orange:
      return Tone::Attention;
    case api::LimitLevel::Red:
      break;
  }
  return Tone::Bad;
}

class Judge {
 public:
  Judge(const StatusFacts& facts, absl::Time now) : facts_(facts), now_(now) {}

  StatusReport judge() {
    leader();
    limits();
    regions();
    schedules();
    targets();
    certificates();
    StatusReport report;
    report.concerns = std::move(concerns_);
    if (!facts_.unread.empty()) {
      report.verdict = Verdict::CannotTell;
      report.line = concat("cannot tell: ", facts_.unread.front());
    } else if (!report.concerns.empty()) {
      report.verdict = Verdict::Attention;
      report.line = concat("attention: ", report.concerns.front());
      if (report.concerns.size() > 1) plan::append_text(report.line, "; and ", report.concerns.size() - 1, " more");
    } else {
      report.line = concat("fine: ", facts_.targets.size(), " targets, ", facts_.schedules.size(), " schedules, ",
                           facts_.limits.size(), " limits");
    }
    return report;
  }

 private:
  void leader() {
    if (!facts_.operator_lease) {
      concerns_.emplace_back("no operator has ever led here: is it installed, and in this namespace?");
    } else if (!facts_.operator_lease->alive(now_)) {
      concerns_.push_back(concat("no operator leads: the Lease ", facts_.operator_lease->name,
                                 " has not been renewed for ",
                                 age(now_ - facts_.operator_lease->renewed.value_or(absl::UnixEpoch()))));
    }
    const bool webhook = std::ranges::any_of(facts_.webhooks, [&](const auto& lease) { return lease.alive(now_); });
    if (!facts_.limits.empty() && !webhook)
      concerns_.emplace_back("there are limits, but no webhook lives to hold them");
  }

  void limits() {
    for (const api::ScaleLimit& limit : facts_.limits) {
      const std::string name = concat(limit_kind(limit), " ", limit.meta.key().to_string());
      const api::Condition* ready = condition(limit.status.conditions, "Ready");
      if (limit.status.halted)
        concerns_.push_back(concat(name, " halts writes (", limit.status.halted->dimension, ")"));
      if (limit.status.paused)
        concerns_.push_back(concat(name, " pauses writes (", limit.status.paused->dimension, ")"));
      const bool stopped = limit.status.halted.has_value() || limit.status.paused.has_value();
      if (!stopped && limit.status.level >= api::LimitLevel::Orange) {
        concerns_.push_back(concat(name, " is ", api::to_string(limit.status.level)));
      }
      if (ready != nullptr && !ready->status) concerns_.push_back(concat(name, ": ", ready->message));
    }
  }

  void regions() {
    for (const api::Region& region : facts_.regions) {
      for (const char* type : {"Reachable", "Healthy"}) {
        const api::Condition* found = condition(region.status.conditions, type);
        if (found != nullptr && !found->status) {
          concerns_.push_back(concat("region ", region.meta.name, ": ", found->message));
        }
      }
    }
  }

  void schedules() {
    for (const api::FestivalSchedule& schedule : facts_.schedules) {
      const std::string name = concat("FestivalSchedule ", schedule.meta.key().to_string());
      const api::Condition* ready = condition(schedule.status.conditions, "Ready");
      if (ready != nullptr && !ready->status) concerns_.push_back(concat(name, ": ", ready->message));
      for (const api::AtRiskTarget& risk : schedule.status.at_risk) {
        concerns_.push_back(concat(name, ": ", risk.target, " at risk for ", risk.phase, ": ", risk.message));
      }
      if (schedule.status.last_boundary && schedule.status.last_boundary->late_by > absl::Minutes(1)) {
        concerns_.push_back(
            concat(name, ": its last boundary was ", age(schedule.status.last_boundary->late_by), " late"));
      }
    }
  }

  void targets() {
    for (const api::ScaleTarget& target : facts_.targets) {
      const std::string name = concat("ScaleTarget ", target.meta.key().to_string());
      const api::Condition* contested = condition(target.status.conditions, "Contested");
      const api::Condition* ready = condition(target.status.conditions, "Ready");
      if (contested != nullptr && contested->status) {
        concerns_.push_back(concat(name, ": contested: ", contested->message));
      } else if (ready != nullptr && !ready->status) {
        concerns_.push_back(concat(name, ": ", ready->message));
      }
    }
  }

  void certificates() {
    for (const StatusFacts::Certificate& certificate : facts_.certificates) {
      if (certificate.not_after - now_ >= kCertificateConcern) continue;
      concerns_.push_back(certificate.not_after <= now_
                              ? concat(certificate.name, " has ended")
                              : concat(certificate.name, " ends in ", days_left(certificate.not_after, now_), " days"));
    }
  }

  const StatusFacts& facts_;
  absl::Time now_;
  std::vector<std::string> concerns_;
};

const char* verdict_name(Verdict verdict) {
  return verdict == Verdict::Fine ? "Fine" : verdict == Verdict::Attention ? "Attention" : "CannotTell";
}

Tone verdict_tone(Verdict verdict) {
  return verdict == Verdict::Fine ? Tone::Good : verdict == Verdict::Attention ? Tone::Attention : Tone::Bad;
}

}  // namespace

StatusReport judge_status(const StatusFacts& facts, absl::Time now) { return Judge(facts, now).judge(); }

StatusFacts::Lease lease_of(const json& object) {
  StatusFacts::Lease lease;
  lease.name = api::meta_from_json(object).name;
  const auto spec = object.find("spec");
  if (spec == object.end() || !spec->is_object()) return lease;
  lease.holder = spec->value("holderIdentity", "");
  lease.lasts = absl::Seconds(spec->value("leaseDurationSeconds", 0));
  const Result<absl::Time> renewed = parse_rfc3339(spec->value("renewTime", ""));
  if (renewed && !lease.holder.empty()) lease.renewed = renewed.value();
  return lease;
}

std::optional<absl::Time> first_end_of(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                       BIO_free);
  std::optional<absl::Time> first;
  for (;;) {
    const std::unique_ptr<X509, decltype(&X509_free)> one(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr),
                                                          X509_free);
    if (!one) return first;
    std::tm end{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(one.get()), &end) != 1) continue;
    const absl::Time at = absl::FromTM(end, absl::UTCTimeZone());
    first = std::min(first.value_or(at), at);
  }
}

std::string status_text(const StatusFacts& facts, const StatusReport& report, absl::Time now, bool colours) {
  std::string out = toned(report.line, verdict_tone(report.verdict), colours) + "\n";
  const auto section = [&](std::string_view title, const TextTable& table) {
    if (!table.empty()) out += concat("\n", toned(title, Tone::Faint, colours), "\n", table.to_text(colours));
  };
  TextTable programs({"PROGRAM", "HOLDER", "RENEWED", "STATE"});
  const auto add_program = [&](const char* name, const StatusFacts::Lease& lease) {
    const bool alive = lease.alive(now);
    programs.add({name,
                  lease.holder,
                  lease.renewed ? age(now - *lease.renewed) + " ago" : std::string(),
                  {alive ? "alive" : "gone", alive ? Tone::Good : Tone::Bad}});
  };
  if (facts.operator_lease) add_program("operator (leads)", *facts.operator_lease);
  for (const StatusFacts::Lease& lease : facts.webhooks) add_program("webhook", lease);
  section("PROGRAMS", programs);

  TextTable regions({"REGION", "REACHABLE", "HEALTHY", "TARGETS", "KUBERNETES"});
  for (const api::Region& region : facts.regions) {
    const auto cell = [&](const char* type) -> TextTable::Cell {
      const api::Condition* found = condition(region.status.conditions, type);
      if (found == nullptr) return {"unknown"};
      return {found->status ? "yes" : "no", found->status ? Tone::Good : Tone::Bad};
    };
    regions.add({region.meta.name, cell("Reachable"), cell("Healthy"), std::to_string(region.status.targets),
                 region.status.kubernetes_version});
  }
  section("REGIONS", regions);

  TextTable schedules({"SCHEDULE", "STATE", "PHASE", "NEXT", "IN", "AT RISK", "LOSERS"});
  for (const api::FestivalSchedule& schedule : facts.schedules) {
    const api::FestivalScheduleStatus& status = schedule.status;
    const bool has_next = !status.next.empty();
    schedules.add({schedule.meta.key().to_string(),
                   status.state,
                   status.phase,
                   has_next ? concat(status.next.front().event, " ", status.next.front().phase) : std::string(),
                   has_next ? age(status.next.front().at - now) : std::string(),
                   {status.at_risk.empty() ? "" : std::to_string(status.at_risk.size()), Tone::Bad},
                   status.losers.empty() ? std::string() : std::to_string(status.losers.size())});
  }
  section("SCHEDULES", schedules);

  TextTable targets({"TARGET", "REGION", "SIZE", "READY", "DECIDED BY", "STATE"});
  for (const api::ScaleTarget& target : facts.targets) {
    const api::ScaleTargetStatus& status = target.status;
    const bool quiet = !status.in_force && target_state(target) == "Ready";
    if (quiet) continue;
    targets.add({target.meta.key().to_string(), target.spec.region,
                 status.desired ? std::to_string(*status.desired) : std::string(),
                 status.ready ? std::to_string(*status.ready) : std::string(), status.decided_by,
                 target_state(target)});
  }
  section("TARGETS (overridden, or not ready)", targets);

  TextTable limits({"LIMIT", "DIMENSION", "USED", "HARD", "PERCENT", "LEVEL"});
  for (const api::ScaleLimit& limit : facts.limits) {
    for (const api::DimensionStatus& row : limit.status.dimensions) {
      limits.add({concat(limit.kind == api::LimitKind::ScaleLimit ? "sl/" : "csl/", limit.meta.key().to_string()),
                  row.name,
                  row.used ? row.used->canonical(row.format) : "unknown",
                  row.hard.canonical(row.format),
                  row.percent ? concat(*row.percent, "%") : std::string(),
                  {api::to_string(row.level), tone_of(row.level)}});
    }
  }
  section("LIMITS", limits);

  TextTable certificates({"CERTIFICATE", "ENDS", "DAYS LEFT"});
  for (const StatusFacts::Certificate& one : facts.certificates) {
    const bool near = one.not_after - now < kCertificateConcern;
    certificates.add({one.name,
                      format_rfc3339(one.not_after),
                      {std::to_string(days_left(one.not_after, now)), near ? Tone::Bad : Tone::Plain}});
  }
  section("CERTIFICATES", certificates);
  if (report.concerns.size() > 1 || !facts.unread.empty()) {
    out += concat("\n", toned("CONCERNS", Tone::Faint, colours), "\n");
    for (const std::string& one : facts.unread) out += concat("- could not be read: ", one, "\n");
    for (const std::string& one : report.concerns) out += concat("- ", one, "\n");
  }
  return out;
}

json status_json(const StatusFacts& facts, const StatusReport& report, absl::Time now) {
  json out = {{"verdict", verdict_name(report.verdict)},
              {"line", report.line},
              {"concerns", report.concerns},
              {"unread", facts.unread},
              {"operator", nullptr},
              {"webhooks", json::array()},
              {"regions", json::array()},
              {"schedules", json::array()},
              {"targets", json::array()},
              {"limits", json::array()},
              {"certificates", json::array()}};
  const auto lease_json = [&](const StatusFacts::Lease& lease) {
    return json{{"holder", lease.holder}, {"alive", lease.alive(now)}};
  };
  if (facts.operator_lease) out["operator"] = lease_json(*facts.operator_lease);
  for (const StatusFacts::Lease& lease : facts.webhooks) out["webhooks"].push_back(lease_json(lease));
  for (const api::Region& region : facts.regions) {
    out["regions"].push_back({{"name", region.meta.name},
                              {"reachable", holds(region.status.conditions, "Reachable")},
                              {"healthy", holds(region.status.conditions, "Healthy")}});
  }
  for (const api::FestivalSchedule& schedule : facts.schedules) {
    json risks = json::array();
    for (const api::AtRiskTarget& risk : schedule.status.at_risk) {
      risks.push_back({{"target", risk.target}, {"phase", risk.phase}, {"reason", risk.reason}});
    }
    out["schedules"].push_back({{"namespace", schedule.meta.ns},
                                {"name", schedule.meta.name},
                                {"state", schedule.status.state},
                                {"phase", schedule.status.phase},
                                {"atRisk", std::move(risks)}});
  }
  for (const api::ScaleTarget& target : facts.targets) {
    out["targets"].push_back({{"namespace", target.meta.ns},
                              {"name", target.meta.name},
                              {"state", target_state(target)},
                              {"overridden", target.status.in_force.has_value()},
                              {"decidedBy", target.status.decided_by}});
  }
  for (const api::ScaleLimit& limit : facts.limits) {
    out["limits"].push_back({{"kind", limit_kind(limit)},
                             {"namespace", limit.meta.ns},
                             {"name", limit.meta.name},
                             {"level", api::to_string(limit.status.level)}});
  }
  for (const StatusFacts::Certificate& one : facts.certificates) {
    out["certificates"].push_back(
        {{"name", one.name}, {"notAfter", format_rfc3339(one.not_after)}, {"daysLeft", days_left(one.not_after, now)}});
  }
  return out;
}

}  // namespace headroom::cli
