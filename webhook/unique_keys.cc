#include "webhook/unique_keys.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace headroom::webhook {
namespace {

namespace dom = simdjson::dom;

// Up to here comparing each with each is faster than hashing.
constexpr std::size_t kFew = 32;

template <class Word>
std::uint64_t load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Equal keys have equal prints, others nearly never: their length and up to eight bytes from either end.
std::uint32_t print_of(std::string_view key) {
  const char* const first = key.data();
  const char* const end = first + key.size();
  std::uint64_t head = 0, tail = 0;
  if (key.size() >= 8) {
    head = load<std::uint64_t>(first);
    tail = load<std::uint64_t>(end - 8);
  } else if (key.size() >= 4) {
    head = load<std::uint32_t>(first);
    tail = load<std::uint32_t>(end - 4);
  } else if (!key.empty()) {
    head = static_cast<unsigned char>(*first);
    tail = load<std::uint8_t>(first + key.size() / 2) << 8 | static_cast<unsigned char>(end[-1]);
  }
  // The upper half of a product depends on all bits of its factors.
  return static_cast<std::uint32_t>((head * 0x9E3779B97F4A7C15u + tail * 0xC2B2AE3D27D4EB4Fu + key.size()) >> 32);
}

bool holds_others(dom::element element) { return element.is_object() || element.is_array(); }

bool is_before(dom::object object, dom::object::iterator end, std::string_view key) {
  for (auto field = object.begin(); field != end; ++field) {
    if (field.key() == key) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string_view> UniqueKeys::repeated_below(dom::element root) {
  if (descend(root)) return repeated_;
  return {};
}

bool UniqueKeys::descend(dom::element element) {
  if (dom::object object; element.get(object) == simdjson::SUCCESS) {
    return object.size() > kFew ? descend_into_many(object) : descend_into_few(object);
  }
  if (dom::array list; element.get(list) == simdjson::SUCCESS) {
    for (const dom::element item : list) {
      if (descend(item)) return true;
    }
  }
  return false;
}

bool UniqueKeys::descend_into_many(dom::object object) {
  seen_.clear();
  for (auto field = object.begin(); field != object.end(); ++field) {
    repeated_ = field.key();
    if (!seen_.insert(repeated_).second) return true;
  }
  for (auto field = object.begin(); field != object.end(); ++field) {
    if (descend(field.value())) return true;
  }
  return false;
}

bool UniqueKeys::descend_into_few(dom::object object) {
  std::array<std::uint32_t, kFew> prints;  // not initialised, which would cost more than all the rest
  std::uint64_t met = 0;                   // one bit for each print: most keys need no comparison
  std::size_t count = 0;
  const auto end = object.end();
  for (auto field = object.begin(); field != end; ++field, ++count) {
    const std::string_view key = field.key();
    const std::uint32_t print = prints[count] = print_of(key);
    const std::uint64_t bit = std::uint64_t{1} << (print & 63);
    bool likely = false;
    if ((met & bit) != 0) {
      for (std::size_t i = 0; i < count; ++i) likely |= prints[i] == print;
    }
    met |= bit;
    if (likely && is_before(object, field, key)) {
      repeated_ = key;
      return true;
    }
    if (const dom::element value = field.value(); holds_others(value) && descend(value)) return true;
  }
  return false;
}

}  // namespace headroom::webhook
