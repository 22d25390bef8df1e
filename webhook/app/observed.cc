#include "webhook/app/observed.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "operator/base/duration.h"
#include "operator/validation/limits.h"

namespace headroom::webhook {
namespace {

constexpr Int128 kMilli = Quantity::kNano / 1000;

/// What the stored status says, for the time until the first answer. One of another generation may be an answer to
/// another query, or in another unit.
std::optional<Quantity> stored_figure(const api::ScaleLimit& limit, const std::string& dimension) {
  if (limit.status.observed_generation != limit.meta.generation) return std::nullopt;
  const auto& rows = limit.status.dimensions;
  const auto row = std::ranges::find(rows, dimension, &api::DimensionStatus::name);
  return row == rows.end() ? std::nullopt : row->used;
}

absl::Duration staleness_of(const std::string& region, const validation::Snapshot& regions) {
  const api::Region* const found = regions.region(region);
  return found != nullptr && found->spec.metrics ? found->spec.metrics->staleness : absl::ZeroDuration();
}

}  // namespace

Quantity amount_of(double answer, Quantity hard) {
  if (!(answer > 0)) return {};
  // The shortest digits that mean this number are those that Prometheus sent: 0.45 stays 0.45. 340 digits are the most.
  std::array<char, 512> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), answer, std::chars_format::fixed);
  const auto amount = Quantity::parse({digits.data(), static_cast<std::size_t>(written.ptr - digits.data())});
  if (!amount) return hard;  // no answer is written so
  const Int128 unit = hard >= Quantity::from_int(1) ? kMilli : Int128{1};
  return Quantity::from_nano((amount.value().nano() + unit - 1) / unit * unit);
}

ObservedFigure ObservedFigures::one(const api::ScaleLimit& limit, const api::ObservedLimit& observed,
                                    const validation::Snapshot& regions, limits::BootTime now) {
  auto& of_limit = last_[limit.meta.uid];
  std::string problem = validation::observation_refusal(limit, observed, regions);
  if (!problem.empty()) {
    of_limit.erase(observed.name);
    return {std::nullopt, std::move(problem)};
  }
  const monitoring::QuerySource::Answer answer = queries_.ask(observed.region, observed.query);
  if (answer.value) {
    const Quantity used = amount_of(*answer.value, observed.hard);
    of_limit.insert_or_assign(observed.name, Last{observed.query, observed.region, used, now});
    return {used, ""};
  }
  const auto known = of_limit.find(observed.name);
  const bool same =
      known != of_limit.end() && known->second.query == observed.query && known->second.region == observed.region;
  if (same && now - known->second.at <= staleness_of(observed.region, regions)) {
    return {known->second.used, answer.asked ? answer.problem : ""};
  }
  if (known != of_limit.end()) of_limit.erase(known);
  if (!answer.asked) return {stored_figure(limit, observed.name), ""};
  return {std::nullopt, answer.problem};
}

std::vector<ObservedFigure> ObservedFigures::of(const api::ScaleLimit& limit, const validation::Snapshot* regions,
                                                limits::BootTime now) {
  std::vector<ObservedFigure> figures;
  for (const api::ObservedLimit& observed : limit.spec.observed) {
    figures.push_back(regions == nullptr ? ObservedFigure{stored_figure(limit, observed.name), ""}
                                         : one(limit, observed, *regions, now));
  }
  return figures;
}

void ObservedFigures::retain(const std::set<std::string>& uids) {
  std::erase_if(last_, [&](const auto& entry) { return !uids.contains(entry.first); });
}

}  // namespace headroom::webhook
