#include "webhook/app/requesters.h"

#include <absl/strings/string_view.h>

#include <utility>

#include "operator/runtime/event_object.h"

namespace headroom::webhook {
namespace {

// No more than a line of a condition's message takes.
constexpr std::size_t kLongestName = 128;

}  // namespace

limits::Requester Requesters::number_of(std::string_view user) {
  const std::string shortened = user.size() > kLongestName ? runtime::bounded_text(user, kLongestName) : std::string();
  const std::string_view name = shortened.empty() ? user : shortened;
  if (name.empty()) return 0;
  const auto known = numbers_.find(absl::string_view(name.data(), name.size()));
  if (known != numbers_.end()) return known->second;
  if (numbers_.size() >= kMost) return 0;
  ++last_;
  numbers_.emplace(std::string(name), last_);
  names_.emplace(last_, std::string(name));
  return last_;
}

std::string Requesters::name_of(limits::Requester requester) const {
  const auto known = names_.find(requester);
  return known == names_.end() ? std::string() : known->second;
}

void Requesters::retain(const std::set<limits::Requester>& used) {
  absl::erase_if(names_, [&](const auto& entry) { return !used.contains(entry.first); });
  absl::erase_if(numbers_, [&](const auto& entry) { return !used.contains(entry.second); });
}

}  // namespace headroom::webhook
