#include "webhook/app/seen_limits.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "webhook/app/enforcement.h"

namespace headroom::webhook {
namespace {

constexpr char kScaleLimits[] = "scalelimits", kClusterScaleLimits[] = "clusterscalelimits";

}  // namespace

SeenLimits SeenLimits::of(const limits::LimitSet& limits) {
  SeenLimits seen;
  for (const LimitPtr& limit : limits.limits()) {
    const api::ScaleLimit& object = limit->limit();
    limits::Revision& newest =
        object.kind == api::LimitKind::ScaleLimit ? seen.scale_limits : seen.cluster_scale_limits;
    newest = std::max(newest, limits::parse_revision(object.meta.resource_version));
  }
  return seen;
}

std::string SeenLimits::text() const {
  return absl::StrCat(kScaleLimits, "=", scale_limits, ",", kClusterScaleLimits, "=", cluster_scale_limits);
}

SeenLimits SeenLimits::parse(std::string_view text) {
  SeenLimits seen;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(std::string(text), ','))) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(part, absl::MaxSplits('=', 1));
    if (pair.first == kScaleLimits) seen.scale_limits = limits::parse_revision(pair.second);
    if (pair.first == kClusterScaleLimits) seen.cluster_scale_limits = limits::parse_revision(pair.second);
  }
  return seen;
}

SeenLimits SeenLimits::announced(const std::map<std::string, std::string>& announcements) {
  const auto text = announcements.find(kSeenAnnotation);
  return text == announcements.end() ? SeenLimits() : parse(text->second);
}

void GenerationLog::adopt(const limits::LimitSet& limits) {
  std::map<std::string, Entry> next;
  for (const LimitPtr& limit : limits.limits()) {
    const api::ScaleLimit& object = limit->limit();
    const limits::Revision revision = limits::parse_revision(object.meta.resource_version);
    const auto known = entries_.find(object.meta.uid);
    const bool same = known != entries_.end() && known->second.generation == object.meta.generation;
    if (same && known->second.revision <= revision) {  // else the store was restored
      next.insert(*known);
      continue;
    }
    const bool met = known == entries_.end() && remembered(object.status, object.meta.generation).held;
    next[object.meta.uid] = {object.meta.generation, met ? 0 : revision};
  }
  entries_ = std::move(next);
}

std::optional<limits::Revision> GenerationLog::needed(const api::ScaleLimit& limit) const {
  const auto known = entries_.find(limit.meta.uid);
  if (known == entries_.end() || known->second.generation != limit.meta.generation) return std::nullopt;
  return known->second.revision;
}

}  // namespace headroom::webhook
