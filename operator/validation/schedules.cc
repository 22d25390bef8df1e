#include "operator/validation/schedules.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "operator/plan/choice.h"
#include "operator/plan/compile.h"
#include "operator/plan/selection.h"

namespace headroom::validation {
namespace {

using api::FestivalSchedule;
using Severity = Finding::Severity;

// A compilation takes milliseconds, and the API server waits.
constexpr std::size_t kMostNeighbours = 20;
constexpr std::size_t kNamed = 3;

Objects<api::ScaleTarget> targets_of(const std::string& ns, const Snapshot& others) {
  Objects<api::ScaleTarget> targets;
  for (const auto& target : others.targets) {
    if (target->meta.ns == ns) targets.push_back(target);
  }
  return targets;
}

bool selects(const api::TargetSelection& selection, const api::ScaleTarget& target) {
  return plan::selects(selection, target.meta.name, target.meta.labels, target.spec);
}

class Selections {
 public:
  Selections(const std::string& ns, const Snapshot& others, std::vector<Finding>& findings)
      : ns_(ns), others_(others), targets_(targets_of(ns, others)), findings_(findings) {}

  void check(const api::TargetSelection& selection, const std::string& field) {
    for (const std::string& region : selection.regions) check_region(region, absl::StrCat(field, ".regions"));
    std::vector<std::string> missing;
    for (const std::string& name : selection.names) {
      if (std::ranges::none_of(targets_, [&](const auto& one) { return one->meta.name == name; })) {
        missing.push_back(name);
      }
    }
    if (!missing.empty()) {
      warn(absl::StrCat(field, ".names"), absl::StrCat("there is no ScaleTarget ", absl::StrJoin(missing, ", "),
                                                       " in namespace ", ns_, "; create it, or correct the name"));
    } else if (std::ranges::none_of(targets_, [&](const auto& one) { return selects(selection, *one); })) {
      warn(field, absl::StrCat("it selects no ScaleTarget of namespace ", ns_,
                               ", so nothing is sized by it; create one, or correct the selection"));
    }
  }
  void check_region(const std::string& region, const std::string& field) {
    if (region == api::kLocalRegion || others_.region(region) != nullptr) return;
    warn(field, absl::StrCat("there is no Region ", region, "; create it, or correct the name"));
  }

 private:
  void warn(const std::string& field, std::string message) {
    findings_.push_back({Severity::Warning, field, std::move(message)});
  }

  const std::string& ns_;
  const Snapshot& others_;
  const Objects<api::ScaleTarget> targets_;
  std::vector<Finding>& findings_;
};

void check_selections(const FestivalSchedule& schedule, const Snapshot& others, std::vector<Finding>& findings) {
  Selections selections(schedule.meta.ns, others, findings);
  const auto check_waves = [&](const std::vector<api::Wave>& waves, const std::string& field) {
    for (std::size_t i = 0; i < waves.size(); ++i) {
      selections.check(waves[i].targets, absl::StrCat(field, ".waves[", i, "].targets"));
    }
  };
  check_waves(schedule.spec.waves, "spec");
  for (std::size_t i = 0; i < schedule.spec.phases.size(); ++i) {
    const api::Phase& phase = schedule.spec.phases[i];
    const std::string field = absl::StrCat("spec.phases[", i, "]");
    for (std::size_t d = 0; d < phase.demands.size(); ++d) {
      const std::string part = phase.demands.size() == 1 ? "" : absl::StrCat(".demands[", d, "]");
      selections.check(phase.demands[d].targets, absl::StrCat(field, part, ".targets"));
    }
    check_waves(phase.waves, field);
    for (std::size_t s = 0; s < phase.switches.size(); ++s) {
      for (const std::string& region : phase.switches[s].regions) {
        selections.check_region(region, absl::StrCat(field, ".switches[", s, "].regions"));
      }
    }
  }
}

// --- other schedules ---

/// For each phase the targets that it asks something of, by their place in a list.
using PhaseTargets = std::vector<std::set<std::size_t>>;

PhaseTargets targets_by_phase(const FestivalSchedule& schedule, const Objects<api::ScaleTarget>& targets) {
  PhaseTargets by_phase;
  for (const api::Phase& phase : schedule.spec.phases) {
    std::set<std::size_t>& selected = by_phase.emplace_back();
    for (const api::PhaseDemand& demand : phase.demands) {
      for (std::size_t t = 0; t < targets.size(); ++t) {
        if (selects(demand.targets, *targets[t])) selected.insert(t);
      }
    }
  }
  return by_phase;
}

std::vector<std::size_t> shared(const std::set<std::size_t>& a, const std::set<std::size_t>& b) {
  std::vector<std::size_t> both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  return both;
}

std::set<std::size_t> all_of(const PhaseTargets& by_phase) {
  std::set<std::size_t> all;
  for (const std::set<std::size_t>& one : by_phase) all.insert(one.begin(), one.end());
  return all;
}

/// A compiled schedule with the targets of its phases.
struct Candidate {
  plan::CompiledSchedule compiled;
  PhaseTargets targets;
};

/// When two schedules first hold for the same targets at the same time.
struct Overlap {
  absl::Time from, to;
  std::string phase, other_phase;
  std::vector<std::size_t> targets;
};

std::optional<Overlap> first_overlap(const Candidate& a, const Candidate& b, absl::Time now) {
  std::optional<Overlap> first;
  // Both time lines ascend by `from`: of `b` only what begins before an interval of `a` ends can meet it, and of that
  // nothing that began longer ago than any interval lasts.
  for (const plan::TimelineEntry& mine : a.compiled.timeline) {
    if (mine.to <= now) continue;
    if (first && mine.from >= first->from) break;
    const absl::Time earliest = std::max(mine.from, now) - b.compiled.longest_interval;
    auto theirs = std::ranges::lower_bound(b.compiled.timeline, earliest, {}, &plan::TimelineEntry::from);
    for (; theirs != b.compiled.timeline.end() && theirs->from < mine.to; ++theirs) {
      const absl::Time from = std::max({mine.from, theirs->from, now}), to = std::min(mine.to, theirs->to);
      if (from >= to || (first && first->from <= from)) continue;
      auto both =
          shared(a.targets[static_cast<std::size_t>(mine.phase)], b.targets[static_cast<std::size_t>(theirs->phase)]);
      if (both.empty()) continue;
      first = Overlap{from, to, a.compiled.spec.phases[static_cast<std::size_t>(mine.phase)].name,
                      b.compiled.spec.phases[static_cast<std::size_t>(theirs->phase)].name, std::move(both)};
    }
  }
  return first;
}

/// By the rule of plan/choice.h.
std::string who_counts(const FestivalSchedule& mine, const FestivalSchedule& theirs) {
  if (!mine.spec.priority && !theirs.spec.priority) return "the larger size counts";
  const int here = mine.spec.priority.value_or(0), there = theirs.spec.priority.value_or(0);
  if (here == there) return absl::StrCat("both have priority ", here, ", so the larger size counts");
  return absl::StrCat("only ", here > there ? "this one" : theirs.meta.name, " counts, by its priority ",
                      std::max(here, there), " over ", std::min(here, there));
}

std::string names_of(const std::vector<std::size_t>& which, const Objects<api::ScaleTarget>& targets) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(which.size(), kNamed); ++i) names.push_back(targets[which[i]]->meta.name);
  std::string text = absl::StrJoin(names, ", ");
  if (which.size() > kNamed) absl::StrAppend(&text, " and ", which.size() - kNamed, " more");
  return text;
}

void check_overlaps(const Candidate& mine, const FestivalSchedule& schedule,
                    const std::vector<ZonedSchedule>& neighbours, const Objects<api::ScaleTarget>& targets,
                    absl::Time now, std::vector<Finding>& findings) {
  std::size_t looked_at = 0;
  const std::set<std::size_t> my_targets = all_of(mine.targets);
  for (const ZonedSchedule& other : neighbours) {
    if (other.schedule->meta.key() == schedule.meta.key() || other.schedule->meta.ns != schedule.meta.ns) continue;
    if (other.schedule->meta.deleted || other.schedule->spec.suspend != api::SuspendMode::None) continue;
    Candidate theirs{{}, targets_by_phase(*other.schedule, targets)};
    if (shared(my_targets, all_of(theirs.targets)).empty()) continue;
    if (++looked_at > kMostNeighbours) return;
    auto compiled = plan::compile({other.schedule->meta.key(), other.schedule->spec, other.zone, {}, now});
    if (!compiled) continue;
    theirs.compiled = std::move(compiled).value();
    const auto overlap = first_overlap(mine, theirs, now);
    if (!overlap) continue;
    findings.push_back(
        {Severity::Warning, "spec.phases",
         absl::StrCat("from ", plan::local_time(overlap->from, mine.compiled.zone), " to ",
                      plan::local_time(overlap->to, mine.compiled.zone), " phase ", overlap->phase, " meets ",
                      overlap->other_phase, " of FestivalSchedule ", other.schedule->meta.name, " at ",
                      names_of(overlap->targets, targets), "; ", who_counts(schedule, *other.schedule))});
  }
}

}  // namespace

std::vector<Finding> check(const ZonedSchedule& schedule, const std::vector<ZonedSchedule>& neighbours,
                           const Snapshot& others, absl::Time now) {
  std::vector<Finding> findings;
  const FestivalSchedule& object = *schedule.schedule;
  auto compiled = plan::compile({object.meta.key(), object.spec, schedule.zone, {}, now});
  if (!compiled) findings.push_back({Severity::Error, "", compiled.error().message});
  check_selections(object, others, findings);
  if (!compiled || object.spec.suspend != api::SuspendMode::None) return findings;
  const Objects<api::ScaleTarget> targets = targets_of(object.meta.ns, others);
  const Candidate mine{std::move(compiled).value(), targets_by_phase(object, targets)};
  check_overlaps(mine, object, neighbours, targets, now, findings);
  return findings;
}

}  // namespace headroom::validation
