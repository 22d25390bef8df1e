#include "webhook/unique_keys.h"

#include <algorithm>
#include <array>

namespace headroom::webhook {
namespace {

namespace dom = simdjson::dom;

// Up to here comparing each with each is faster than hashing.
constexpr std::size_t kFew = 12;

}  // namespace

std::optional<std::string_view> UniqueKeys::repeated_below(dom::element root) {
  if (descend(root)) return repeated_;
  return {};
}

bool UniqueKeys::descend(dom::element element) {
  if (dom::object object; element.get(object) == simdjson::SUCCESS) {
    if (repeats(object)) return true;
    for (const dom::key_value_pair field : object) {
      if (descend(field.value)) return true;
    }
  } else if (dom::array list; element.get(list) == simdjson::SUCCESS) {
    for (const dom::element item : list) {
      if (descend(item)) return true;
    }
  }
  return false;
}

bool UniqueKeys::repeats(dom::object object) {
  const std::size_t size = object.size();
  if (size > kFew) {
    seen_.clear();
    for (auto field = object.begin(); field != object.end(); ++field) {
      repeated_ = field.key();
      if (!seen_.insert(repeated_).second) return true;
    }
    return false;
  }
  std::array<std::string_view, kFew> keys;
  auto end = keys.begin();
  for (auto field = object.begin(); field != object.end(); ++field) {
    repeated_ = field.key();
    if (std::find(keys.begin(), end, repeated_) != end) return true;
    *end++ = repeated_;
  }
  return false;
}

}  // namespace headroom::webhook
