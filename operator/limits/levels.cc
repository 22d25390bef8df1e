#include "operator/limits/levels.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "operator/base/duration.h"

namespace headroom::limits {
namespace {

using api::CrossedThreshold;
using api::DimensionStatus;
using api::LimitAction;
using api::LimitDimension;
using api::Threshold;
using api::WriteStop;

template <class Rows, class Name>
auto find_row(const Rows& rows, Name member, const std::string& name) {
  const auto it = std::ranges::find(rows, name, member);
  return it == rows.end() ? nullptr : &*it;
}

const CrossedThreshold* find_crossed(const std::vector<CrossedThreshold>& crossed, const std::string& threshold,
                                     const std::string& dimension) {
  const auto it = std::ranges::find_if(
      crossed, [&](const CrossedThreshold& one) { return one.threshold == threshold && one.dimension == dimension; });
  return it == crossed.end() ? nullptr : &*it;
}

bool reaches(const Threshold& threshold, Quantity used, Quantity hard) {
  return used * 100 >= hard * threshold.percent;
}

std::optional<int> percent_of(Quantity used, Quantity hard) {
  constexpr Int128 kMost = 1'000'000;  // what is a thousand times over its limit is over it
  if (hard <= Quantity()) return used > Quantity() ? std::optional(static_cast<int>(kMost)) : std::optional(100);
  return static_cast<int>(std::clamp<Int128>((used * 100).nano() / hard.nano(), 0, kMost));
}

absl::Duration hold_for(const api::ScaleLimitSpec& spec, const LimitDimension& dimension) {
  if (dimension.kind != LimitDimension::Kind::Observed) return absl::ZeroDuration();
  const auto* const observed = find_row(spec.observed, &api::ObservedLimit::name, dimension.name);
  return observed == nullptr ? absl::ZeroDuration() : observed->hold_for;
}

std::string fullness(const DimensionStatus& row) {
  std::string text = absl::StrCat(row.name, " is ", row.used ? row.used->canonical(row.format) : "unknown", " of ",
                                  row.hard.canonical(row.format));
  if (row.percent) absl::StrAppend(&text, " (", *row.percent, " %)");
  return text;
}

std::string with_message(std::string text, const Threshold& threshold) {
  if (threshold.escalation && !threshold.escalation->message.empty()) {
    absl::StrAppend(&text, ": ", threshold.escalation->message);
  }
  return text;
}

/// The judgement of one limit under way.
class Judgement {
 public:
  Judgement(const api::ScaleLimitSpec& spec, const api::ScaleLimitStatus& former, absl::Time now)
      : spec_(spec), former_(former), now_(now) {}

  void judge(const LimitDimension& dimension, const DimensionUse& use) {
    DimensionStatus row;
    row.name = dimension.name;
    row.used = use.used;
    row.hard = dimension.hard;
    row.held = use.held;
    row.format = dimension.format;
    if (use.used) row.percent = percent_of(*use.used, dimension.hard);
    for (const Threshold& threshold : spec_.thresholds) {
      if (!threshold.covers(dimension.name)) continue;
      const CrossedThreshold* const before = find_crossed(former_.thresholds, threshold.name, dimension.name);
      const bool held = before != nullptr && before->state == CrossedThreshold::State::Crossed;
      const bool crossed = use.used ? reaches(threshold, *use.used, dimension.hard) : held;
      if (crossed) {
        cross(threshold, row, before, hold_for(spec_, dimension));
      } else if (held && threshold.action != LimitAction::None) {
        levels_.events.push_back({"LimitThresholdCleared", false,
                                  absl::StrCat(fullness(row), ", below ", threshold.percent, " % again"), &threshold});
      }
    }
    levels_.level = std::max(levels_.level, row.level);
    levels_.dimensions.push_back(std::move(row));
  }

  Levels finish() && {
    stop(levels_.halted, former_.halted, "WritesHalted");
    stop(levels_.paused, former_.paused, "WritesPaused");
    const bool stopped = levels_.halted || levels_.paused;
    if (!stopped && (former_.halted || former_.paused)) {
      levels_.events.push_back({"WritesResumed", false, "writes are let through again", nullptr});
    }
    return std::move(levels_);
  }

 private:
  void cross(const Threshold& threshold, DimensionStatus& row, const CrossedThreshold* before, absl::Duration held) {
    CrossedThreshold crossed;
    crossed.threshold = threshold.name;
    crossed.dimension = row.name;
    crossed.since = before != nullptr ? before->since : now_;
    const bool counts = crossed.since + held <= now_;
    crossed.state = counts ? CrossedThreshold::State::Crossed : CrossedThreshold::State::Pending;
    if (counts && threshold.escalation && threshold.escalation->within > absl::ZeroDuration()) {
      crossed.due = crossed.since + held + threshold.escalation->within;
    }
    if (counts) {
      row.level = std::max(row.level, threshold.level);
      const bool is_new = before == nullptr || before->state == CrossedThreshold::State::Pending;
      if (is_new && threshold.action != LimitAction::None) {
        std::string text =
            absl::StrCat(fullness(row), ", threshold \"", threshold.name, "\" of ", threshold.percent, " %");
        if (crossed.due)
          absl::StrAppend(&text, ", to be answered within ", format_duration(threshold.escalation->within));
        levels_.events.push_back({"LimitThresholdCrossed", true, with_message(std::move(text), threshold), &threshold});
      }
      if (threshold.action == LimitAction::PauseWrites) note_stop(levels_.paused, threshold, row, "writes are paused");
      if (threshold.action == LimitAction::Halt) note_stop(levels_.halted, threshold, row, "writes are halted");
    }
    if (levels_.thresholds.size() < api::kMostCrossedThresholds) levels_.thresholds.push_back(std::move(crossed));
  }

  /// The first reason counts: a write is refused for one.
  void note_stop(Boxed<WriteStop>& stop, const Threshold& threshold, const DimensionStatus& row,
                 const char* what) const {
    if (stop) return;
    stop = WriteStop{now_, row.name, threshold.name, with_message(absl::StrCat(fullness(row), "; ", what), threshold)};
  }

  void stop(Boxed<WriteStop>& now, const Boxed<WriteStop>& before, const char* reason) {
    if (!now) return;
    if (before) {
      now->since = before->since;
    } else {
      levels_.events.push_back({reason, true, now->message, nullptr});
    }
  }

  const api::ScaleLimitSpec& spec_;
  const api::ScaleLimitStatus& former_;
  const absl::Time now_;
  Levels levels_;
};

}  // namespace

Levels levels_of(const api::ScaleLimitSpec& spec, const std::vector<DimensionUse>& use,
                 const api::ScaleLimitStatus& former, absl::Time now) {
  Judgement judgement(spec, former, now);
  const std::vector<LimitDimension> dimensions = api::dimensions_of(spec);
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    judgement.judge(dimensions[i], i < use.size() ? use[i] : DimensionUse{});
  }
  return std::move(judgement).finish();
}

std::optional<absl::Time> next_change(const api::ScaleLimitSpec& spec, const api::ScaleLimitStatus& status) {
  std::optional<absl::Time> soonest;
  for (const CrossedThreshold& crossed : status.thresholds) {
    if (crossed.state != CrossedThreshold::State::Pending) continue;
    const auto* const observed = find_row(spec.observed, &api::ObservedLimit::name, crossed.dimension);
    if (observed == nullptr) continue;
    const absl::Time at = crossed.since + observed->hold_for;
    soonest = soonest ? std::min(*soonest, at) : at;
  }
  return soonest;
}

}  // namespace headroom::limits
