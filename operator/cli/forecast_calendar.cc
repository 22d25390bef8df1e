#include <algorithm>

#include "operator/cli/forecast_text.h"
#include "operator/plan/text.h"

namespace headroom::cli {
namespace {

using plan::concat;

/// RFC 5545 §3.1: lines of at most 75 bytes, without the line break.
constexpr std::size_t kLongestLine = 75;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\r') continue;
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == ';' || c == ',') out += '\\';
    out += c;
  }
  return out;
}

std::string utc(absl::Time at) { return absl::FormatTime("%Y%m%dT%H%M%SZ", at, absl::UTCTimeZone()); }

/// The sizes that targets have while the phase holds, where it decides them.
std::vector<std::string> sizes_in(const PlanningWorld& world, const Forecast& forecast, const ForecastPhase& phase) {
  std::vector<std::string> lines;
  std::map<int, std::pair<int, int>> spans;  // target -> first and last size
  std::map<int, std::vector<std::string>> caps;
  for (const SizeStep& step : forecast.steps) {
    if (step.until <= phase.from || step.from >= phase.to || step.decision.contributions.empty()) continue;
    const plan::Contribution& winner = step.decision.contributions.front();
    const bool ours = winner.schedule == phase.schedule && winner.occurrence == phase.occurrence &&
                      winner.phase == phase.phase && !winner.leading;
    if (!ours) continue;
    auto [span, is_new] = spans.try_emplace(step.target, step.decision.size, step.decision.size);
    span->second.second = step.decision.size;
    if (is_new) caps[step.target] = caps_of(step.decision);
  }
  for (const auto& [target, sizes] : spans) {
    std::string line = concat(world.targets[static_cast<std::size_t>(target)].meta.name, " ", sizes.first);
    if (sizes.second != sizes.first) plan::append_text(line, " down to ", sizes.second);
    for (const std::string& cap : caps[target]) plan::append_text(line, " (capped by ", cap, ")");
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

std::string calendar_line(const std::string& line) {
  std::string out;
  std::size_t used = 0;
  for (std::size_t i = 0; i < line.size();) {
    std::size_t end = i + 1;
    while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) ++end;
    if (used + (end - i) > kLongestLine) {
      out += "\r\n ";
      used = 1;
    }
    out.append(line, i, end - i);
    used += end - i;
    i = end;
  }
  return out + "\r\n";
}

std::string forecast_calendar(const PlanningWorld& world, const Forecast& forecast, const ForecastView& view,
                              absl::Time now) {
  std::string out;
  const auto line = [&](const std::string& text) { out += calendar_line(text); };
  line("BEGIN:VCALENDAR");
  line("VERSION:2.0");
  line("PRODID:-//headroom.dev//headroom//EN");
  line("CALSCALE:GREGORIAN");
  line("METHOD:PUBLISH");
  for (const ForecastPhase& phase : forecast.phases) {
    const std::vector<std::string> sizes = sizes_in(world, forecast, phase);
    std::string text;
    for (const std::string& one : sizes) text += one + "\n";
    if (sizes.empty()) text = phase.sizes ? "another schedule decides here\n" : "no sizes change\n";
    plan::append_text(text, "from ", absl::FormatTime("%Y-%m-%d %H:%M %Ez", phase.from, view.zone), " to ",
                      absl::FormatTime("%Y-%m-%d %H:%M %Ez", phase.to, view.zone));
    line("BEGIN:VEVENT");
    // The same phase keeps its UID from export to export, so that calendars replace it.
    line(concat(
        "UID:", escaped(concat(phase.schedule.ns, ".", phase.schedule.name, ".", phase.occurrence, ".", phase.phase)),
        "@headroom.dev"));
    line(concat("DTSTAMP:", utc(now)));
    line(concat("DTSTART:", utc(phase.from)));
    line(concat("DTEND:", utc(phase.to)));
    line(concat("SUMMARY:", escaped(concat(phase.schedule.name, " ", phase.phase, " (", phase.occurrence, ")"))));
    line(concat("DESCRIPTION:", escaped(text)));
    line("CATEGORIES:CAPACITY");
    line("TRANSP:TRANSPARENT");
    line("END:VEVENT");
  }
  line("END:VCALENDAR");
  return out;
}

}  // namespace headroom::cli
