#include "operator/cli/forecast_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <set>

#include "operator/base/xml.h"
#include "operator/cli/text_table.h"
#include "operator/plan/text.h"

namespace headroom::cli {
namespace {

using plan::concat;

// Lengths in the picture's own units, which browsers show as pixels.
constexpr int kWidth = 1120, kLeft = 196, kRight = 76, kTop = 96, kPanel = 76, kGap = 22, kLegend = 64;
constexpr int kPlot = kWidth - kLeft - kRight;
/// A letter of the small type is about so wide.
constexpr double kLetter = 6.3;
constexpr std::size_t kMostBands = 60;
constexpr char kDashes[] = "stroke-width=\"3\" stroke-dasharray=\"5 3\"";

/// Works on white and on black pages without scripts: colours are classes, swapped where the page is dark; the picture
/// brings its own background, for wikis that show neither.
constexpr char kStyle[] = R"(<style>
  .page { fill: #ffffff } .name { fill: #1f2328 } .small { fill: #59636e } .grid { stroke: #d1d9e0 }
  .size { stroke: #0969da } .area { fill: #0969da; fill-opacity: .13 } .original { stroke: #59636e }
  .cap { stroke: #cf222e } .capped { fill: #cf222e } .band0 { fill: #bf8700 } .band1 { fill: #8250df }
  .band { fill-opacity: .10 } .edge { stroke: #8c959f } .label { fill: #1f2328 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .name { fill: #f0f6fc } .small { fill: #9198a1 } .grid { stroke: #3d444d }
    .size { stroke: #58a6ff } .area { fill: #58a6ff; fill-opacity: .18 } .original { stroke: #9198a1 }
    .cap { stroke: #ff7b72 } .capped { fill: #ff7b72 } .band0 { fill: #d29922 } .band1 { fill: #a371f7 }
    .band { fill-opacity: .16 } .edge { stroke: #656c76 } .label { fill: #f0f6fc }
  }
</style>
)";

std::size_t index(int number) { return static_cast<std::size_t>(number); }

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

/// The light colours once more as attributes, for pages that drop styles.
std::string with_plain_colours(std::string svg) {
  struct Look {
    const char* kind;
    const char* plain;
  };
  constexpr std::array<Look, 10> kLooks = {{{"grid", "stroke=\"#d1d9e0\""},
                                            {"size", "stroke=\"#0969da\""},
                                            {"area", "fill=\"#0969da\""},
                                            {"original", "stroke=\"#59636e\""},
                                            {"cap", "stroke=\"#cf222e\""},
                                            {"edge", "stroke=\"#8c959f\""},
                                            {"small", "fill=\"#59636e\""},
                                            {"capped", "fill=\"#cf222e\""},
                                            {"band band0", "fill=\"#bf8700\""},
                                            {"band band1", "fill=\"#8250df\""}}};
  for (const Look& look : kLooks) {
    const std::string kind = concat("class=\"", look.kind, "\""), with = concat(kind, " ", look.plain);
    for (std::size_t at = svg.find(kind); at != std::string::npos; at = svg.find(kind, at + with.size())) {
      svg.replace(at, kind.size(), with);
    }
  }
  return svg;
}

/// What fits into so many units, with an ellipsis where it had to be cut. Cuts between characters.
std::string fitted(const std::string& text, double width) {
  const auto most = static_cast<std::size_t>(std::max(0.0, width / kLetter));
  if (display_width(text) <= most) return text;
  if (most < 4) return {};
  std::string cut;
  std::size_t letters = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U && ++letters > most - 1) break;
    cut += c;
  }
  return cut + "…";
}

/// Days, hours, weeks or months between marks of the time axis: the finest that leaves room for its labels.
struct Axis {
  absl::Duration step;
  bool months = false;
  const char* format = "%b %-d";
};

Axis axis_for(absl::Duration range) {
  constexpr int kMostMarks = 12;
  struct Choice {
    int hours;
    const char* format;
  };
  constexpr std::array<Choice, 8> kChoices = {{{1, "%H:%M"},
                                               {3, "%-d %b %H:%M"},
                                               {6, "%-d %b %H:%M"},
                                               {12, "%-d %b %H:%M"},
                                               {24, "%a %-d %b"},
                                               {48, "%a %-d %b"},
                                               {7 * 24, "%-d %b"},
                                               {14 * 24, "%-d %b"}}};
  for (const Choice& choice : kChoices) {
    if (range <= absl::Hours(choice.hours) * kMostMarks) return {absl::Hours(choice.hours), false, choice.format};
  }
  return {absl::ZeroDuration(), true, "%b %Y"};
}

class Picture {
 public:
  Picture(const PlanningWorld& world, const Forecast& forecast, const ForecastView& view)
      : world_(world), forecast_(forecast), view_(view) {
    choose_panels();
    choose_bands();
    height_ = kTop + static_cast<int>(panels_.size()) * (kPanel + kGap) + kLegend;
  }

  std::string draw() {
    out_ = concat("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ", kWidth, " ", height_, "\" width=\"",
                  kWidth, "\" height=\"", height_,
                  "\" role=\"img\" font-family=\"system-ui, -apple-system, 'Segoe UI', "
                  "'DejaVu Sans', sans-serif\" font-size=\"12\">\n");
    add(concat("<title>", xml_text(title()), "</title>\n"), kStyle);
    add("<rect class=\"page\" width=\"", kWidth, "\" height=\"", height_, "\" fill=\"#ffffff\"/>\n");
    text(kLeft, 30, "name", title(), "font-size=\"17\" font-weight=\"600\"");
    bands();
    time_marks();
    for (std::size_t p = 0; p < panels_.size(); ++p) panel(panels_[p], kTop + static_cast<int>(p) * (kPanel + kGap));
    legend();
    return with_plain_colours(out_ + "</svg>\n");
  }

 private:
  template <class... Parts>
  void add(const Parts&... parts) {
    plan::append_text(out_, parts...);
  }

  void text(double x, double y, const char* kind, const std::string& what, const std::string& more = {}) {
    add("<text class=\"", kind, "\" x=\"", number(x), "\" y=\"", number(y), "\"", more.empty() ? "" : " ", more, ">",
        xml_text(what), "</text>\n");
  }

  double x_of(absl::Time at) const {
    const double whole = absl::ToDoubleSeconds(std::max(forecast_.to - forecast_.from, absl::Seconds(1)));
    const absl::Time inside = std::clamp(at, forecast_.from, forecast_.to);
    return kLeft + kPlot * absl::ToDoubleSeconds(inside - forecast_.from) / whole;
  }

  std::string title() const {
    std::set<std::string> names;
    for (const ForecastPhase& phase : forecast_.phases) names.insert(phase.schedule.name);
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    if (text.empty() || names.size() > 4) text = "Planned sizes";
    return concat(text, ", ", absl::FormatTime("%-d %b %Y", forecast_.from, view_.zone), " to ",
                  absl::FormatTime("%-d %b %Y (%Z)", forecast_.to, view_.zone));
  }

  void choose_panels() {
    std::vector<const TargetSum*> all;
    for (const TargetSum& sum : forecast_.sums) all.push_back(&sum);
    const auto moves = [](const TargetSum* sum) { return sum->steps > 0; };
    const bool any = std::ranges::any_of(all, moves);
    if (any) std::erase_if(all, [&](const TargetSum* sum) { return !moves(sum); });
    std::ranges::stable_sort(all, std::greater{}, [](const TargetSum* sum) { return sum->peak - sum->original; });
    if (all.size() > static_cast<std::size_t>(kMostPanels)) all.resize(static_cast<std::size_t>(kMostPanels));
    for (const TargetSum* sum : all) panels_.push_back(sum);
    left_out_ = forecast_.sums.size() - panels_.size();
  }

  void choose_bands() {
    for (const ForecastPhase& phase : forecast_.phases) {
      if (bands_.size() < kMostBands && phase.sizes) bands_.push_back(&phase);
    }
  }

  int bottom() const { return kTop + static_cast<int>(panels_.size()) * (kPanel + kGap) - kGap; }

  /// Phases behind the panels; names in two rows, so that neighbours do not run into each other.
  void bands() {
    std::array<double, 2> row_end = {-1e9, -1e9};
    for (std::size_t b = 0; b < bands_.size(); ++b) {
      const double left = x_of(bands_[b]->from), right = x_of(bands_[b]->to), width = right - left;
      add("<rect class=\"band band", static_cast<int>(b % 2), "\" x=\"", number(left), "\" y=\"", kTop - 10,
          "\" width=\"", number(std::max(width, 0.5)), "\" height=\"", bottom() - kTop + 10,
          "\" fill-opacity=\"0.1\"/>\n");
      const std::string name = bands_[b]->phase;
      const double needs = static_cast<double>(display_width(name)) * kLetter + 8;
      const std::size_t row = left >= row_end[0] ? 0 : 1;
      if (left < row_end[row]) continue;
      const double from = std::min(left + 3, static_cast<double>(kWidth) - needs);
      const double y = row == 0 ? kTop - 18 : kTop - 34;
      if (row == 1) {
        add("<path class=\"edge\" d=\"M", number(left + 0.5), " ", number(y + 4), "V", kTop - 10,
            "\" fill=\"none\"/>\n");
      }
      text(from, y, "label", name);
      row_end[row] = std::max(row_end[row], from + needs);
    }
  }

  void time_marks() {
    const Axis axis = axis_for(forecast_.to - forecast_.from);
    const absl::TimeZone& zone = view_.zone;
    std::vector<absl::Time> marks;
    const absl::CivilHour first = absl::ToCivilHour(forecast_.from, zone);
    if (axis.months) {
      for (absl::CivilMonth month = absl::CivilMonth(first) + 1;; ++month) {
        const absl::Time at = absl::FromCivil(month, zone);
        if (at > forecast_.to) break;
        marks.push_back(at);
      }
    } else {
      const auto hours = static_cast<int>(axis.step / absl::Hours(1));
      // Marks of days stand at midnight, those of hours at whole multiples since midnight.
      absl::CivilHour at(absl::CivilDay{first});
      for (; absl::FromCivil(at, zone) <= forecast_.to; at += hours) {
        if (absl::FromCivil(at, zone) >= forecast_.from) marks.push_back(absl::FromCivil(at, zone));
      }
    }
    for (const absl::Time mark : marks) {
      const double x = x_of(mark);
      add("<path class=\"grid\" d=\"M", number(x), " ", kTop - 10, "V", bottom() + 4, "\" stroke-width=\"1\"/>\n");
      text(x, bottom() + 20, "small", absl::FormatTime(axis.format, mark, zone), "text-anchor=\"middle\"");
    }
  }

  void panel(const TargetSum* sum, int top) {
    const api::ScaleTarget& target = world_.targets[index(sum->target)];
    const int most = std::max({sum->peak, sum->original, 1});
    const int lowest = top + kPanel;
    const auto y_of = [&](int size) { return lowest - (kPanel - 8.0) * size / most; };
    add("<path class=\"grid\" d=\"M", kLeft, " ", lowest, "H", kLeft + kPlot, "\" stroke-width=\"1\"/>\n");
    const std::string name = fitted(target.meta.name, kLeft - 24);
    text(kLeft - 12, top + 34, "name", name, "text-anchor=\"end\" font-weight=\"600\"");
    text(kLeft - 12, top + 52, "small", fitted(concat(target.meta.ns, " · ", target.spec.region), kLeft - 24),
         "text-anchor=\"end\" font-size=\"11\"");

    std::string line, area;
    bool capped = false;
    std::string caps;
    double last_x = kLeft;
    for (const SizeStep& step : forecast_.steps) {
      if (step.target != sum->target) continue;
      const double x = x_of(step.from), y = y_of(step.decision.size);
      line += line.empty() ? concat("M", number(x), " ", number(y)) : concat("H", number(x), "V", number(y));
      last_x = x_of(step.until);
      if (!step.decision.capped_by_max && !step.decision.capped_by_region) continue;
      capped = true;
      caps += concat("M", number(x), " ", number(y), "H", number(last_x));
    }
    if (line.empty()) return;
    line += concat("H", number(last_x));
    const std::string begin = line.substr(1, line.find(' ') - 1);
    add("<path class=\"area\" d=\"", line, "V", lowest, "H", begin, "Z\" fill-opacity=\"0.13\"/>\n");
    add("<path class=\"original\" d=\"M", kLeft, " ", number(y_of(sum->original)), "H", kLeft + kPlot,
        "\" fill=\"none\" stroke-dasharray=\"3 4\"/>\n");
    add("<path class=\"size\" d=\"", line, "\" fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\"/>\n");
    if (capped) add("<path class=\"cap\" d=\"", caps, "\" fill=\"none\" stroke-width=\"4\"/>\n");
    shortages(sum->target, lowest + 5);
    plateaus(sum, y_of);
    const double beside = kLeft + kPlot + 8;
    text(beside, y_of(most) + 4, capped ? "capped" : "name", std::to_string(most));
    if (y_of(sum->original) - y_of(most) > 14) {
      text(beside, y_of(sum->original) + 4, "small", std::to_string(sum->original));
    }
  }

  /// Below a target's strip, when not all of its pods fit into quotas and nodes.
  void shortages(int target, int y) {
    std::set<std::pair<absl::Time, absl::Time>> spans;
    for (const PoolForecast& pool : forecast_.pools) {
      if (!pool.shortage || !std::ranges::binary_search(pool.shortage->targets, target)) continue;
      spans.insert(pool.spans.begin(), pool.spans.end());
    }
    std::string lines;
    for (const auto& [from, until] : spans) lines += concat("M", number(x_of(from)), " ", y, "H", number(x_of(until)));
    if (!lines.empty()) add("<path class=\"cap\" d=\"", lines, "\" fill=\"none\" ", kDashes, "/>\n");
  }

  /// Sizes that last, written below their lines; where a cap holds, what was wanted.
  template <class Height>
  void plateaus(const TargetSum* sum, const Height& y_of) {
    constexpr double kWideEnough = 60;
    for (const SizeStep& step : forecast_.steps) {
      const plan::Decision& decision = step.decision;
      const double left = x_of(step.from), width = x_of(step.until) - left;
      const bool capped = decision.capped_by_max || decision.capped_by_region;
      if (step.target != sum->target || width < kWideEnough || decision.size <= sum->original) continue;
      std::string what = std::to_string(decision.size);
      if (capped) what = fitted(concat(what, " of ", decision.wanted, " wanted"), width - 12);
      if (what.empty()) what = std::to_string(decision.size);
      text(left + 6, y_of(decision.size) + 15, capped ? "capped" : "label", what, "font-size=\"11\"");
    }
  }

  void legend() {
    const int y = height_ - 18;
    double x = kLeft;
    const auto entry = [&](const std::string& mark, const std::string& what) {
      add(mark);
      text(x + 32, y + 4, "small", what);
      x += 32 + static_cast<double>(display_width(what)) * kLetter + 22;
    };
    const auto stroke = [&](const char* kind, const char* more) {
      return concat("<path class=\"", kind, "\" d=\"M", number(x), " ", y, "h24\" fill=\"none\" ", more, "/>\n");
    };
    entry(stroke("size", "stroke-width=\"2\""), "planned size");
    entry(stroke("original", "stroke-dasharray=\"3 4\""), "original");
    entry(stroke("cap", "stroke-width=\"4\""), "capped");
    entry(concat("<rect class=\"band band0\" x=\"", number(x), "\" y=\"", y - 6,
                 "\" width=\"24\" height=\"12\" fill-opacity=\"0.1\"/>\n"),
          "a phase");
    const auto is_short = [](const PoolForecast& pool) { return pool.shortage.has_value(); };
    if (std::ranges::any_of(forecast_.pools, is_short)) entry(stroke("cap", kDashes), "does not fit");
    if (left_out_ > 0) {
      text(kLeft + kPlot, y + 4, "small", concat(left_out_, " targets that move less are not shown"),
           "text-anchor=\"end\"");
    }
  }

  const PlanningWorld& world_;
  const Forecast& forecast_;
  const ForecastView& view_;
  std::vector<const TargetSum*> panels_;
  std::vector<const ForecastPhase*> bands_;
  std::size_t left_out_ = 0;
  int height_ = 0;
  std::string out_;
};

}  // namespace

std::string forecast_picture(const PlanningWorld& world, const Forecast& forecast, const ForecastView& view) {
  return Picture(world, forecast, view).draw();
}

}  // namespace headroom::cli
