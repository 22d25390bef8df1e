// Up to where a webhook replica has followed the limits: what it announces on its Lease, and what others ask of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "operator/api/scale_limit.h"
#include "operator/limits/identity.h"
#include "webhook/app/limit_book.h"

namespace headroom::webhook {

/// On a replica's Lease: SeenLimits::text().
inline constexpr char kSeenAnnotation[] = "headroom.dev/seen-limits";

/// The newest resourceVersion of each kind that a replica judges by: every earlier version, too, is behind it.
struct SeenLimits {
  limits::Revision scale_limits = 0, cluster_scale_limits = 0;

  static SeenLimits of(const limits::LimitSet& limits);
  /// "scalelimits=12,clusterscalelimits=7".
  std::string text() const;
  /// What is not of that form says nothing.
  static SeenLimits parse(std::string_view text);
  /// Of a replica that announces this, text by annotation.
  static SeenLimits announced(const std::map<std::string, std::string>& announcements);
  limits::Revision of(api::LimitKind kind) const {
    return kind == api::LimitKind::ScaleLimit ? scale_limits : cluster_scale_limits;
  }
  bool operator==(const SeenLimits&) const = default;
};

/// Remembers at which version each limit's generation came. One thread.
class GenerationLog {
 public:
  /// The limits that are judged by from now on.
  void adopt(const limits::LimitSet& limits);
  /// The resourceVersion that a replica must have seen to judge by this generation; 0 where the limit's stored status
  /// says that all replicas have; null where it is not known.
  std::optional<limits::Revision> needed(const api::ScaleLimit& limit) const;

 private:
  struct Entry {
    std::int64_t generation = 0;
    limits::Revision revision = 0;
  };
  std::map<std::string, Entry> entries_;  ///< by uid
};

}  // namespace headroom::webhook
