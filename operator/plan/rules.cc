#include "operator/plan/rules.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "operator/base/duration.h"
#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

using Entry = api::RuleProgress::Entry;

std::string format_answer(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// A rule with what is known of it at `now`.
struct Watched {
  const api::ScaleRule* rule = nullptr;
  Entry entry;
  std::optional<double> answer;

  bool above() const { return answer && rule->above && *answer > rule->above->to_double(); }
  bool below() const { return answer && rule->below && *answer < rule->below->to_double(); }
};

/// When the rule may step because its bound has been crossed since `since`.
absl::Time due(const Watched& watched, absl::Time since) {
  const absl::Time held = since + watched.rule->hold_for;
  return watched.entry.last_step ? std::max(held, *watched.entry.last_step + watched.rule->cooldown) : held;
}

void look(Watched& watched, const RuleSamples& samples, absl::Time now) {
  const auto sample = samples.find(watched.rule->name);
  if (sample != samples.end() && sample->second && std::isfinite(*sample->second)) watched.answer = sample->second;
  Entry& entry = watched.entry;
  if (!watched.answer) {
    // A gap may hide anything: it does not undo a wait for more, but it is no ground for less.
    entry.below_since.reset();
    entry.value.clear();
    return;
  }
  entry.value = format_answer(*watched.answer);
  const auto keep = [now](std::optional<absl::Time>& since, bool crossed) {
    if (!crossed) since.reset();
    // A clock that was set back must not stretch a wait.
    if (crossed && (!since || *since > now)) since = now;
  };
  keep(entry.above_since, watched.above());
  keep(entry.below_since, watched.below());
  if (entry.last_step && *entry.last_step > now) entry.last_step = now;
}

int step_size(const api::Step& step, int size) {
  if (step.percent <= 0) return step.pods;
  const int share = ceil_times(Quantity::from_nano(Int128{step.percent} * (Quantity::kNano / 100)), size);
  return std::max({step.pods, share, 1});
}

std::string told(const Watched& watched, bool up, int change) {
  const Quantity bound = up ? *watched.rule->above : *watched.rule->below;
  std::string text =
      concat(watched.rule->name, ": ", watched.entry.value, up ? " above " : " below ", bound.to_string());
  if (watched.rule->hold_for > absl::ZeroDuration()) {
    append_text(text, " for ", format_duration(watched.rule->hold_for));
  }
  append_text(text, up ? ", +" : ", -", change);
  return text;
}

/// The rule that stepped last, for those who ask in between.
std::string last_told(const std::vector<Watched>& rules) {
  const Watched* last = nullptr;
  for (const Watched& watched : rules) {
    if (watched.entry.last_step && (!last || *watched.entry.last_step > *last->entry.last_step)) last = &watched;
  }
  if (!last) return {};
  std::string text = concat(last->rule->name, ": stepped at ", format_rfc3339(*last->entry.last_step));
  if (!last->entry.value.empty()) append_text(text, ", now ", last->entry.value);
  return text;
}

class Evaluation {
 public:
  Evaluation(std::vector<Watched>& rules, int size, int least, int most, absl::Time now)
      : rules_(rules), size_(size), least_(least), most_(most), now_(now) {}

  /// The new size; `text` says why when it changed.
  int run(std::string& text) {
    const int raised = raise(text);
    return raised != size_ ? raised : lower(text);
  }

 private:
  int raise(std::string& text) {
    int largest = size_;
    for (Watched& watched : rules_) {
      if (!watched.above() || due(watched, *watched.entry.above_since) > now_) continue;
      const int change = std::min(step_size(watched.rule->step, size_), most_ - size_);
      if (change <= 0) continue;
      watched.entry.last_step = now_;
      if (size_ + change > largest) {
        largest = size_ + change;
        text = told(watched, true, change);
      }
    }
    return largest;
  }

  int lower(std::string& text) {
    const Watched* cautious = nullptr;
    int change = 0;
    for (const Watched& watched : rules_) {
      if (watched.above()) return size_;
      if (!watched.rule->below) continue;
      if (!watched.below() || due(watched, *watched.entry.below_since) > now_) return size_;
      const int step = std::min(step_size(watched.rule->step, size_), size_ - least_);
      if (!cautious || step < change) {
        cautious = &watched;
        change = step;
      }
    }
    if (!cautious || change <= 0) return size_;
    text = told(*cautious, false, change);
    for (Watched& watched : rules_) {
      if (watched.rule->below) watched.entry.last_step = now_;
    }
    return size_ - change;
  }

  std::vector<Watched>& rules_;
  int size_, least_, most_;
  absl::Time now_;
};

std::optional<absl::Time> next_look(const std::vector<Watched>& rules, absl::Time now) {
  std::optional<absl::Time> next;
  for (const Watched& watched : rules) {
    for (const std::optional<absl::Time>& since : {watched.entry.above_since, watched.entry.below_since}) {
      if (!since || due(watched, *since) <= now) continue;
      next = std::min(next.value_or(absl::InfiniteFuture()), due(watched, *since));
    }
  }
  return next;
}

}  // namespace

RuleStep step_rules(const api::ScaleTargetSpec& spec, int original, const api::RuleProgress& before,
                    const RuleSamples& samples, absl::Time now) {
  RuleStep result;
  if (spec.rules.empty()) return result;
  std::vector<Watched> rules;
  for (const api::ScaleRule& rule : spec.rules) {
    Watched watched{&rule, {rule.name, {}, {}, {}, {}}, std::nullopt};
    const auto known = std::ranges::find(before.entries, rule.name, &Entry::name);
    if (known != before.entries.end()) watched.entry = *known;
    look(watched, samples, now);
    rules.push_back(std::move(watched));
  }
  const int most = std::max(spec.replicas.min, spec.replicas.max);
  const int start = std::clamp(before.size.value_or(original), spec.replicas.min, most);
  const int size = Evaluation(rules, start, spec.replicas.min, most, now).run(result.text);

  result.progress.size = before.size;
  if (before.size || size != start) result.progress.size = size;
  if (result.text.empty()) result.text = last_told(rules);
  result.next_look = next_look(rules, now);
  for (Watched& watched : rules) result.progress.entries.push_back(std::move(watched.entry));
  return result;
}

}  // namespace headroom::plan
