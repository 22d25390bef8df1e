#include "webhook/app/requesters.h"

#include <absl/strings/string_view.h>

#include <utility>

namespace headroom::webhook {
namespace {

// No more than a line of a condition's message takes.
constexpr std::size_t kLongestName = 128;

std::string_view cut(std::string_view name) {
  if (name.size() <= kLongestName) return name;
  std::size_t end = kLongestName;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) --end;  // within a character of UTF-8
  return name.substr(0, end);
}

}  // namespace

limits::Requester Requesters::number_of(std::string_view user) {
  const std::string_view name = cut(user);
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
