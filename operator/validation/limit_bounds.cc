#include "operator/validation/limit_bounds.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>

namespace headroom::validation {
namespace {

using api::MatchedResource;
using api::ScaleLimit;

struct Bound {
  enum class Kind { Bytes, Replicas, Field, Count, Sum, Rate, Concurrency };
  Kind kind;
  api::JsonPath path;  ///< Field, Sum
  Quantity most;
  QuantityFormat format = QuantityFormat::DecimalSI;
  std::string field;
};

std::vector<Bound> bounds_of(const api::ScaleLimitSpec& spec) {
  using Kind = Bound::Kind;
  std::vector<Bound> bounds;
  const auto add = [&](Kind kind, std::int64_t most, const char* field) {
    bounds.push_back({kind, {}, Quantity::from_int(most), QuantityFormat::DecimalSI, field});
  };
  if (spec.object.max_bytes) add(Kind::Bytes, *spec.object.max_bytes, "spec.object.maxBytes");
  if (spec.object.max_replicas) add(Kind::Replicas, *spec.object.max_replicas, "spec.object.replicas.max");
  for (std::size_t i = 0; i < spec.object.fields.size(); ++i) {
    const api::FieldCap& cap = spec.object.fields[i];
    bounds.push_back({Kind::Field, cap.path, cap.max, cap.format, absl::StrCat("spec.object.fields[", i, "].max")});
  }
  if (spec.total.count) add(Kind::Count, *spec.total.count, "spec.total.count");
  for (std::size_t i = 0; i < spec.total.sums.size(); ++i) {
    const api::SumLimit& sum = spec.total.sums[i];
    bounds.push_back({Kind::Sum, sum.path, sum.hard, sum.format, absl::StrCat("spec.total.sums[", i, "].hard")});
  }
  if (spec.rate) add(Kind::Rate, spec.rate->writes_per_second, "spec.rate.writesPerSecond");
  if (spec.concurrency) add(Kind::Concurrency, spec.concurrency->max, "spec.concurrency.max");
  return bounds;
}

/// Fields are not negative where they are counted, so no single one is larger than their sum.
bool comparable(const Bound& hiding, const Bound& hidden) {
  const bool sum_over_field = hiding.kind == Bound::Kind::Sum && hidden.kind == Bound::Kind::Field;
  return (hiding.kind == hidden.kind || sum_over_field) && hiding.path == hidden.path;
}

template <class T>
bool includes(const std::vector<T>& all, const std::vector<T>& some) {
  return std::ranges::all_of(some, [&](const T& one) { return std::ranges::find(all, one) != all.end(); });
}

bool covers(const MatchedResource& wide, const MatchedResource& narrow) {
  return wide.group == narrow.group && wide.version == narrow.version && wide.resource == narrow.resource &&
         wide.scope == narrow.scope && includes(wide.subresources, narrow.subresources) &&
         includes(wide.operations, narrow.operations);
}

/// Whatever `narrow` matches, `wide` does.
bool covers(const std::optional<api::LabelSelector>& wide, const std::optional<api::LabelSelector>& narrow) {
  if (!wide) return true;
  if (!narrow) return wide->match_labels.empty() && wide->match_expressions.empty();
  const bool labels = std::ranges::all_of(wide->match_labels, [&](const auto& label) {
    const auto same = narrow->match_labels.find(label.first);
    return same != narrow->match_labels.end() && same->second == label.second;
  });
  return labels && includes(narrow->match_expressions, wide->match_expressions);
}

bool covers_namespaces(const ScaleLimit& wide, const ScaleLimit& narrow, const Snapshot& others) {
  if (wide.kind == api::LimitKind::ScaleLimit) {
    return narrow.kind == api::LimitKind::ScaleLimit && wide.meta.ns == narrow.meta.ns;
  }
  const auto& selector = wide.spec.match.namespaces;
  if (narrow.kind == api::LimitKind::ClusterScaleLimit) return covers(selector, narrow.spec.match.namespaces);
  if (!selector) return true;
  const auto labels = others.labels_of(narrow.meta.ns);
  return labels && selector->matches(*labels);
}

}  // namespace

bool covers(const ScaleLimit& wide, const ScaleLimit& narrow, const Snapshot& others) {
  const api::LimitMatch &all = wide.spec.match, &some = narrow.spec.match;
  if (some.resources.empty()) return false;
  const bool resources = std::ranges::all_of(some.resources, [&](const MatchedResource& one) {
    return std::ranges::any_of(all.resources, [&](const MatchedResource& other) { return covers(other, one); });
  });
  return resources && covers(all.labels, some.labels) && includes(some.fields, all.fields) &&
         covers_namespaces(wide, narrow, others);
}

std::vector<HiddenBound> hidden_bounds(const api::ScaleLimitSpec& hidden, const api::ScaleLimitSpec& hiding) {
  std::vector<HiddenBound> found;
  const std::vector<Bound> bounds = bounds_of(hiding);
  for (const Bound& bound : bounds_of(hidden)) {
    const auto lower = std::ranges::find_if(
        bounds, [&](const Bound& other) { return comparable(other, bound) && other.most < bound.most; });
    if (lower == bounds.end()) continue;
    found.push_back(
        {bound.field, bound.most.canonical(bound.format), lower->field, lower->most.canonical(lower->format)});
  }
  return found;
}

}  // namespace headroom::validation
