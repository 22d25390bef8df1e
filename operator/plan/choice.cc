#include "operator/plan/choice.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "operator/plan/demand.h"
#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

std::size_t index(int number) { return static_cast<std::size_t>(number); }

int priority(const Spoken& spoken) { return spoken.schedule->spec.priority.value_or(0); }

const std::string& occurrence_name(const Spoken& spoken) {
  static const std::string kNone;
  return spoken.entry ? spoken.schedule->occurrences[index(spoken.entry->occurrence)].name : kNone;
}

const std::string& phase_name(const Spoken& spoken) {
  static const std::string kNone;
  return spoken.entry ? spoken.schedule->spec.phases[index(spoken.entry->phase)].name : kNone;
}

/// While a contribution speaks for more than its lead.
struct Span {
  int priority = 0;
  absl::Time from, to;
};

Span span_of(const Spoken& spoken) {
  if (spoken.coming) return {priority(spoken), spoken.entry->from, spoken.entry->to};
  return {priority(spoken), absl::InfinitePast(), spoken.until};
}

bool comes_before(const Spoken& a, const Spoken& b) {
  if (a.counts != b.counts) return a.counts > b.counts;
  if (a.coming != b.coming) return b.coming;
  return std::tie(a.schedule->key, occurrence_name(a), phase_name(a), a.kind, a.size) <
         std::tie(b.schedule->key, occurrence_name(b), phase_name(b), b.kind, b.size);
}

}  // namespace

std::size_t rank(std::vector<Spoken>& spoken) {
  const auto has_priority = [](const Spoken& one) { return one.schedule->spec.priority.has_value(); };
  auto counting_end = spoken.end();
  if (std::ranges::any_of(spoken, has_priority)) {
    int highest = std::numeric_limits<int>::min();
    for (const Spoken& one : spoken) {
      if (!one.coming) highest = std::max(highest, priority(one));
    }
    // Kept apart: the order changes while it is asked.
    std::vector<Span> spans;
    spans.reserve(spoken.size());
    for (const Spoken& one : spoken) spans.push_back(span_of(one));
    const auto counts = [&](const Spoken& one) {
      if (!one.coming) return priority(one) == highest;
      return std::ranges::none_of(spans, [&](const Span& other) {
        return other.priority > priority(one) && other.from <= one.entry->from && one.entry->from < other.to;
      });
    };
    counting_end = std::partition(spoken.begin(), spoken.end(), counts);
  }
  std::sort(spoken.begin(), counting_end, comes_before);
  std::sort(counting_end, spoken.end(), comes_before);
  return static_cast<std::size_t>(counting_end - spoken.begin());
}

std::string describe(const Spoken& spoken, const TargetFacts& facts) {
  const std::string& name = spoken.schedule->key.name;
  if (spoken.kind == Spoken::Kind::Suspended) return concat(name, ": suspended, holds ", spoken.size);
  std::string text = concat(name, " ", phase_name(spoken), ": ");
  if (spoken.kind == Spoken::Kind::Waiting) {
    append_text(text, spoken.size, ", ", spoken.note);
    return text;
  }
  if (spoken.demand->type == api::Demand::Type::Decay) {
    if (!spoken.decay_start) {
      append_text(text, spoken.size);
    } else {
      append_text(text, describe_decay(spoken.demand->decay, *spoken.decay_start, spoken.full_hours, spoken.size));
    }
  } else {
    append_text(text, describe_demand(*spoken.demand, facts.baseline, spoken.size));
  }
  if (spoken.kind == Spoken::Kind::Held) text += ", held until the later waves have left";
  if (spoken.coming) append_text(text, ", to be ready by ", local_time(spoken.entry->from, spoken.schedule->zone));
  if (spoken.counts > spoken.size) append_text(text, ", not below the original ", facts.original);
  return text;
}

Contribution to_contribution(const Spoken& spoken, const TargetFacts& facts) {
  Contribution contribution;
  contribution.schedule = spoken.schedule->key;
  contribution.occurrence = occurrence_name(spoken);
  contribution.phase = phase_name(spoken);
  contribution.size = spoken.size;
  contribution.priority = priority(spoken);
  contribution.leading = spoken.coming;
  contribution.held = spoken.kind == Spoken::Kind::Held;
  contribution.waiting = spoken.kind == Spoken::Kind::Waiting;
  contribution.text = describe(spoken, facts);
  return contribution;
}

std::string local_time(absl::Time time, const absl::TimeZone& zone) {
  return absl::FormatTime("%Y-%m-%d %H:%M %Ez", time, zone);
}

}  // namespace headroom::plan
