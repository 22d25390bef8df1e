// The status of one of our objects as the API server has it, while the cache may still show an older one. A difference
// made from the cache alone would undo what was written last; one made without a version would mix with what somebody
// else, a former leader perhaps, writes late.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace headroom::runtime {

/// Each of our writes lands on the version before it or not at all. Not thread-safe.
template <class S>
class StoredStatus {
 public:
  /// What the next difference is made from, `shown` being the cache's.
  const S& base(const S& shown) const { return last_ ? *last_ : shown; }
  /// The resourceVersion that the difference holds against, `shown` being the cache's.
  const std::string& version(const std::string& shown) const { return last_ ? version_ : shown; }

  /// A write over `over` landed: the server has `status` now, as `version`.
  void landed(std::shared_ptr<const S> status, std::string over, std::string version) {
    last_ = std::move(status);
    before_.push_back(std::move(over));
    version_ = std::move(version);
  }
  /// The cache shows this version. One that ours did not pass through is ours, or newer: it is believed again.
  void shown(const std::string& version) {
    if (std::ranges::find(before_, version) == before_.end()) forget();
  }
  /// Somebody else wrote: what the cache shows next is what counts.
  void forget() {
    last_.reset();
    before_ = {};
  }

 private:
  std::shared_ptr<const S> last_;  ///< null: the cache is believed
  std::string version_;
  std::vector<std::string> before_;  ///< versions that the cache passes through on its way to `version_`
};

}  // namespace headroom::runtime
