#include "webhook/app/flow_report.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace headroom::webhook {
namespace {

using limits::Amounts;
using limits::kConcurrency;
using limits::kOneWrite;
using limits::kRate;

// Some fifty bytes each; an object's annotations end at 256 KiB.
constexpr std::size_t kMostLimits = 1000;

double fullness(const FlowPeak& peak) {
  const Amounts hard = peak.limit->flow_terms().hard;
  const auto part = [&](std::size_t i) {
    return hard[i] > 0 ? static_cast<double>(peak.in_use[i]) / static_cast<double>(hard[i]) : 0;
  };
  return std::max(part(kConcurrency), part(kRate));
}

}  // namespace

FlowReport FlowReport::of(const std::vector<FlowPeak>& peaks) {
  std::vector<std::pair<double, const FlowPeak*>> fullest;
  fullest.reserve(peaks.size());
  for (const FlowPeak& peak : peaks) fullest.emplace_back(fullness(peak), &peak);
  std::ranges::stable_sort(fullest, std::ranges::greater(), &std::pair<double, const FlowPeak*>::first);
  if (fullest.size() > kMostLimits) fullest.resize(kMostLimits);
  FlowReport report;
  for (const auto& [part, peak] : fullest) report.peaks[peak->limit->limit().meta.uid] = peak->in_use;
  return report;
}

std::string FlowReport::text() const {
  const auto writes = [](limits::Amount amount) { return static_cast<std::int64_t>(amount / kOneWrite); };
  return absl::StrJoin(peaks, ",", [&](std::string* out, const auto& entry) {
    absl::StrAppend(out, entry.first, "=", writes(entry.second[kConcurrency]), "/", writes(entry.second[kRate]));
  });
}

FlowReport FlowReport::parse(std::string_view text) {
  FlowReport report;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(std::string(text), ','))) {
    const std::pair<std::string, std::string> row = absl::StrSplit(part, absl::MaxSplits('=', 1));
    const std::pair<std::string, std::string> figures = absl::StrSplit(row.second, absl::MaxSplits('/', 1));
    std::int32_t in_progress = 0;
    std::int32_t lately = 0;
    if (!absl::SimpleAtoi(figures.first, &in_progress) || !absl::SimpleAtoi(figures.second, &lately)) continue;
    if (row.first.empty() || in_progress < 0 || lately < 0) continue;
    report.peaks[row.first] = {in_progress * kOneWrite, lately * kOneWrite};
  }
  return report;
}

Quantity flow_used(const api::ScaleLimit& limit, api::LimitDimension::Kind dimension,
                   const std::vector<FlowReport>& replicas) {
  Amounts sum;
  for (const FlowReport& report : replicas) {
    const auto peak = report.peaks.find(limit.meta.uid);
    if (peak != report.peaks.end()) sum += peak->second;
  }
  const auto at_most = [](limits::Amount amount, int writes) { return std::min(amount, writes * kOneWrite); };
  if (dimension == api::LimitDimension::Kind::Concurrency) {
    return Quantity::from_nano(limit.spec.concurrency ? at_most(sum[kConcurrency], limit.spec.concurrency->max) : 0);
  }
  const auto& rate = limit.spec.rate;
  if (!rate) return {};
  return Quantity::from_nano(at_most(sum[kRate], rate->burst) * rate->writes_per_second / rate->burst);
}

}  // namespace headroom::webhook
