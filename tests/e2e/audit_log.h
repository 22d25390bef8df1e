// What an API server's audit log tells of the writes of chosen users: who asked what, when, and what came of it.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace headroom::e2e {

/// One request that was answered.
struct AuditEntry {
  std::string user, verb;  ///< "create", "update", "patch", "delete"
  std::string group, resource, subresource, ns, name;
  absl::Time received, answered;
  int status = 0;           ///< of HTTP
  nlohmann::json request;   ///< the body
  nlohmann::json response;  ///< the object as stored, or a Status

  bool landed() const { return status >= 200 && status < 300; }
  /// "patch horizontalpodautoscalers.autoscaling shop/web".
  std::string to_string() const;
  /// Of the object that the answer shows; 0 where it shows none. One etcd counts for all kinds, so they tell the order.
  std::int64_t revision() const;
  /// Whether the write could land only on the version that its sender had seen: metadata.resourceVersion in the body,
  /// a `test` of it in a JSON patch, preconditions of a deletion.
  bool carries_precondition() const;
};
std::ostream& operator<<(std::ostream& out, const AuditEntry& entry);

/// Owned and used by one thread.
class AuditLog {
 public:
  /// The policy that makes an API server write what this class reads: writes of these users, with both bodies.
  static std::string policy(const std::vector<std::string>& users);

  /// `path` as told to the API server by --audit-log-path; need not exist yet.
  explicit AuditLog(std::string path);

  /// Everything from the first entry on, in the order of the answers; reads what has been added since the last call.
  const std::vector<AuditEntry>& entries();
  /// Those of entries() that a test wants to speak of, from the `first`-th of all on.
  std::vector<AuditEntry> select(std::size_t first, const std::function<bool(const AuditEntry&)>& wanted);

 private:
  const std::string path_;
  std::streamoff read_ = 0;
  std::vector<AuditEntry> entries_;
};

}  // namespace headroom::e2e
