#include "operator/plan/calendar_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "operator/plan/text.h"

namespace headroom::plan {
namespace {

constexpr std::size_t kDeepest = 8;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

constexpr std::array<std::string_view, 5> kComponents = {"VCALENDAR", "VEVENT", "VTIMEZONE", "STANDARD", "DAYLIGHT"};
constexpr std::array<std::string_view, 14> kProperties = {
    "UID",    "SUMMARY",  "DTSTART", "RRULE",          "EXDATE",        "RDATE",        "RECURRENCE-ID",
    "STATUS", "SEQUENCE", "TZID",    "X-LIC-LOCATION", "X-WR-TIMEZONE", "TZOFFSETFROM", "TZOFFSETTO"};

template <class List>
bool contains(const List& list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

/// Content lines one by one, folded ones joined (RFC 5545 §3.1).
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  /// Empty at the end. The number is that of the line's first part.
  std::optional<std::string> next(int& number) {
    if (rest_.empty()) return std::nullopt;
    number = number_ + 1;
    std::string line(take());
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) line += take().substr(1);
    return line;
  }

 private:
  std::string_view take() {
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    ++number_;
    return line;
  }

  std::string_view rest_;
  int number_ = 0;
};

struct ContentLine {
  std::string name;        ///< upper case
  std::string_view value;  ///< after the parameters
};

/// name *(";" param) ":" value; a parameter's value may be quoted and then hold a colon.
std::optional<ContentLine> split(std::string_view line) {
  const std::size_t name_end = line.find_first_of(";:");
  if (name_end == std::string_view::npos || name_end == 0) return std::nullopt;
  bool quoted = false;
  for (std::size_t i = name_end; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (line[i] == ':' && !quoted) return ContentLine{upper_case(line.substr(0, name_end)), line.substr(i + 1)};
  }
  return std::nullopt;
}

class Reducer {
 public:
  explicit Reducer(const CalendarBounds& bounds) : bounds_(bounds) {}

  Status add(const std::string& text, int number) {
    if (text.empty()) return ok();
    const std::optional<ContentLine> line = split(text);
    if (!line) return wrong(number, "is not NAME:VALUE");
    if (line->name == "BEGIN") return begin(upper_case(line->value), number);
    if (open_.empty()) return wrong(number, "stands outside of BEGIN:VCALENDAR");
    if (line->name == "END") return end(upper_case(line->value), number);
    if (skipped_ > 0 || line->value.empty()) return ok();
    const bool recurs = open_.back() != "VCALENDAR" && open_.back() != "VTIMEZONE";
    if (recurs && line->name == "EXRULE") return wrong(number, "has EXRULE: list the days in EXDATE instead");
    if (!contains(kProperties, line->name)) return ok();
    if (line->name == "RRULE") {
      if (const auto right = check_rrule(std::string(line->value)); !right) {
        return with_context(right.error(), concat("calendar: line ", number));
      }
    }
    append_text(reduced_, text, "\r\n");
    return ok();
  }

  Result<std::string> finish() {
    if (!open_.empty()) return invalid(concat("calendar: ends within ", open_.back(), ": it was cut off"));
    if (reduced_.empty()) return invalid("calendar: holds no BEGIN:VCALENDAR");
    return std::move(reduced_);
  }

 private:
  static Error wrong(int number, std::string_view what) {
    return invalid(concat("calendar: line ", number, " ", what));
  }

  Status begin(const std::string& component, int number) {
    if (++components_ > bounds_.max_components) {
      return wrong(number, concat("begins more than ", bounds_.max_components, " components: split the calendar"));
    }
    if (open_.size() >= kDeepest) return wrong(number, "nests too deep");
    if (open_.empty() != (component == "VCALENDAR")) return wrong(number, "begins a component where it cannot stand");
    open_.push_back(component);
    // Alarms, to-dos and what is unknown do not bear on the dates of events.
    if (skipped_ > 0 || !contains(kComponents, component)) {
      ++skipped_;
    } else {
      append_text(reduced_, "BEGIN:", component, "\r\n");
    }
    return ok();
  }

  Status end(const std::string& component, int number) {
    if (open_.back() != component) {
      return wrong(number, concat("ends ", component.substr(0, 64), " where ", open_.back().substr(0, 64), " is open"));
    }
    open_.pop_back();
    if (skipped_ > 0) {
      --skipped_;
    } else {
      append_text(reduced_, "END:", component, "\r\n");
    }
    return ok();
  }

  const CalendarBounds& bounds_;
  std::string reduced_;
  std::vector<std::string> open_;
  std::size_t skipped_ = 0;  ///< how many of the innermost open components are left out
  int components_ = 0;
};

}  // namespace

Result<std::string> reduce_calendar(std::string_view text, const CalendarBounds& bounds) {
  if (text.size() > bounds.max_bytes) {
    return invalid(concat("calendar: has ", text.size(), " bytes: at most ", bounds.max_bytes));
  }
  if (text.find('\0') != std::string_view::npos) return invalid("calendar: holds a zero byte: it is not text");
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Reducer reducer(bounds);
  Lines lines(text);
  int number = 0;
  while (const std::optional<std::string> line = lines.next(number)) {
    BOOST_OUTCOME_TRYV(reducer.add(*line, number));
  }
  return reducer.finish();
}

}  // namespace headroom::plan
