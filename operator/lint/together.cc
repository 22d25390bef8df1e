// The webhook's rules, over the objects of the files, and the planner's, over calendars of the files.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "operator/lint/collection.h"
#include "operator/plan/calendar.h"
#include "operator/plan/compile.h"
#include "operator/plan/selection.h"
#include "operator/validation/limits.h"
#include "operator/validation/regions.h"
#include "operator/validation/schedules.h"
#include "operator/validation/targets.h"

namespace headroom::lint {
namespace {

using manifest::Document;
using Severity = Finding::Severity;

std::string leading_field(const std::string& message) {
  if (!message.starts_with("spec.")) return "";
  std::string field = message.substr(0, message.find_first_of(" :,;"));
  while (field.ends_with('.')) field.pop_back();
  return field;
}

void add_all(const std::vector<validation::Finding>& found, const Document& document, Findings& findings) {
  for (const validation::Finding& each : found) {
    const bool error = each.severity == validation::Finding::Severity::Error;
    findings.add(error ? Severity::Error : Severity::Warning, error ? "refused" : "doubtful", document,
                 each.field.empty() ? leading_field(each.message) : each.field, each.message);
  }
}

std::vector<validation::ZonedSchedule> zoned(const Collection& collection, const Options& options) {
  std::vector<validation::ZonedSchedule> all;
  for (const auto& each : collection.schedules) {
    if (const auto zone = options.zones(each.object->spec.time_zone)) all.push_back({each.object, zone.value()});
  }
  return all;
}

class Dates {
 public:
  Dates(const Collection& collection, const Options& options, Findings& findings)
      : collection_(collection), options_(options), findings_(findings) {}

  void check(const Read<api::FestivalSchedule>& read) {
    const api::FestivalSchedule& schedule = *read.object;
    const auto zone = options_.zones(schedule.spec.time_zone);
    if (!zone) {
      findings_.add(Severity::Error, "time-zone", *read.document, "spec.timeZone", zone.error().message);
      return;
    }
    plan::CompileInput input{schedule.meta.key(), schedule.spec, zone.value(), {}, options_.now};
    bool all_known = true;
    for (std::size_t i = 0; i < schedule.spec.occurrences.size(); ++i) {
      const api::Occurrence& occurrence = schedule.spec.occurrences[i];
      if (!occurrence.calendar) continue;
      auto events = calendar(read, occurrence, absl::StrCat("spec.occurrences[", i, "].calendarRef"), zone.value());
      all_known = all_known && events.has_value();
      if (events) input.calendars[occurrence.name] = *std::move(events);
    }
    const auto compiled = plan::compile(input);
    if (!compiled) {
      // Without calendars it was compiled by the webhook's rules, which said so already.
      if (!input.calendars.empty()) {
        findings_.add(Severity::Error, "refused", *read.document, leading_field(compiled.error().message),
                      compiled.error().message);
      }
      return;
    }
    check_phases(read, compiled.value());
    if (all_known && !comes_again(compiled.value(), schedule.spec, zone.value())) {
      findings_.add(Severity::Warning, "past", *read.document, "spec.occurrences",
                    "all of its days have passed, so it asks for nothing any more", "add a day, or remove it");
    }
  }

 private:
  /// The events of a calendar; nullopt where they cannot be known, which is said.
  std::optional<std::vector<plan::CalendarEvent>> calendar(const Read<api::FestivalSchedule>& read,
                                                           const api::Occurrence& occurrence, const std::string& field,
                                                           const absl::TimeZone& zone) {
    const api::Occurrence::CalendarRef& ref = *occurrence.calendar;
    const std::string& ns = read.object->meta.ns;
    const Document* source = find_other(collection_, options_, "ConfigMap", ns, ref.config_map);
    if (!source) {
      findings_.add(
          Severity::Note, "not-judged", *read.document, field + ".configMap",
          absl::StrCat("ConfigMap ", ns, "/", ref.config_map, " is not among the files, so its days are not known"));
      return std::nullopt;
    }
    const auto& object = source->object();
    const nlohmann::json* data = object.contains("data") && object["data"].is_object() ? &object["data"] : nullptr;
    if (!data || !data->contains(ref.key) || !(*data)[ref.key].is_string()) {
      findings_.add(Severity::Error, "calendar", *read.document, field + ".key",
                    absl::StrCat("ConfigMap ", ns, "/", ref.config_map, " has no key ", ref.key),
                    "add it, or correct the key");
      return std::nullopt;
    }
    plan::CalendarBounds bounds;
    bounds.recurrence = plan::occurrence_bounds(read.object->spec, zone, options_.now);
    const auto loader = [&](const std::string& name) -> Result<absl::TimeZone> {
      if (name.empty()) return zone;
      return options_.zones(name);
    };
    auto events = plan::parse_calendar((*data)[ref.key].get_ref<const std::string&>(), ref.summary, bounds, loader);
    if (!events) {
      findings_.add(Severity::Error, "calendar", *source, absl::StrCat("data['", ref.key, "']"),
                    absl::StrCat("FestivalSchedule ", ns, "/", read.object->meta.name,
                                 " could not read this calendar: ", events.error().message));
      return std::nullopt;
    }
    if (events.value().empty()) {
      findings_.add(Severity::Warning, "calendar", *read.document, field,
                    absl::StrCat("the calendar has no event", ref.summary.empty() ? "" : " \"" + ref.summary + "\"",
                                 " in the next 400 days"),
                    "add one, or correct the summary");
    }
    return std::move(events).value();
  }

  /// Phases of one occurrence that hold at once for a target of the files; compile() refuses those whose selections
  /// alone prove it.
  void check_phases(const Read<api::FestivalSchedule>& read, const plan::CompiledSchedule& compiled) {
    std::set<std::pair<int, int>> told;
    for (const plan::CompiledOccurrence& occurrence : compiled.occurrences) {
      for (std::size_t i = 0; i < occurrence.intervals.size(); ++i) {
        for (std::size_t j = i + 1; j < occurrence.intervals.size(); ++j) {
          const plan::PhaseInterval &a = occurrence.intervals[i], &b = occurrence.intervals[j];
          if (a.to <= b.from || b.to <= a.from) continue;
          const std::string target = shared_target(*read.object, a.phase, b.phase);
          if (target.empty() || !told.emplace(std::minmax(a.phase, b.phase)).second) continue;
          const auto& phases = read.object->spec.phases;
          findings_.add(Severity::Warning, "overlap", *read.document,
                        absl::StrCat("spec.phases[", std::max(a.phase, b.phase), "]"),
                        absl::StrCat("phases ", phases[static_cast<std::size_t>(std::min(a.phase, b.phase))].name,
                                     " and ", phases[static_cast<std::size_t>(std::max(a.phase, b.phase))].name,
                                     " overlap for ScaleTarget ", target),
                        "let one end when the other starts, or narrow their targets");
        }
      }
    }
  }

  bool asks(const api::FestivalSchedule& schedule, int phase, const api::ScaleTarget& target) const {
    return std::ranges::any_of(schedule.spec.phases[static_cast<std::size_t>(phase)].demands, [&](const auto& each) {
      return plan::selects(each.targets, target.meta.name, target.meta.labels, target.spec);
    });
  }

  /// The first target that both phases ask something of; empty: there is none.
  std::string shared_target(const api::FestivalSchedule& schedule, int a, int b) const {
    for (const auto& target : collection_.snapshot.targets) {
      if (target->meta.ns == schedule.meta.ns && asks(schedule, a, *target) && asks(schedule, b, *target)) {
        return target->meta.name;
      }
    }
    return "";
  }

  bool comes_again(const plan::CompiledSchedule& compiled, const api::FestivalScheduleSpec& spec,
                   const absl::TimeZone& zone) const {
    const bool soon = std::ranges::any_of(compiled.timeline, [&](const auto& each) { return each.to > options_.now; });
    if (soon) return true;
    const absl::CivilDay today(zone.At(options_.now).cs);
    return std::ranges::any_of(spec.occurrences, [&](const api::Occurrence& each) {
      if (each.day) return *each.day > today;
      if (each.instant) return *each.instant > options_.now;
      if (!each.recurring) return false;
      // A leap day comes every eighth year at the latest.
      plan::RecurrenceBounds bounds{today, absl::CivilDay(today.year() + 9, 1, 1)};
      const auto dates =
          plan::expand_rrule(each.recurring->rrule, each.recurring->start, each.recurring->exdates, bounds);
      return !dates || !dates.value().empty();
    });
  }

  const Collection& collection_;
  const Options& options_;
  Findings& findings_;
};

}  // namespace

void check_together(const Collection& collection, const Options& options, Findings& findings) {
  const validation::Snapshot& all = collection.snapshot;
  for (const auto& each : collection.regions) {
    auto found = validation::check(*each.object, all);
    // What users of a region complain of is said where they stand.
    std::erase_if(found, [](const validation::Finding& one) { return one.field == "spec"; });
    add_all(found, *each.document, findings);
  }
  for (const auto& each : collection.targets) add_all(validation::check(*each.object, all), *each.document, findings);
  for (const auto& each : collection.limits) {
    add_all(validation::check(*each.object, nullptr, all), *each.document, findings);
  }
  const auto schedules = zoned(collection, options);
  for (const auto& each : collection.schedules) {
    for (const validation::ZonedSchedule& one : schedules) {
      if (one.schedule != each.object) continue;
      add_all(validation::check(one, schedules, all, options.now), *each.document, findings);
    }
  }
}

void check_dates(const Collection& collection, const Options& options, Findings& findings) {
  Dates dates(collection, options, findings);
  for (const auto& each : collection.schedules) dates.check(each);
}

}  // namespace headroom::lint
