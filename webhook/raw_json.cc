#include "webhook/raw_json.h"

#include <absl/strings/ascii.h>

#include <bit>
#include <cstdint>
#include <cstring>

namespace headroom::webhook {
namespace {

// simdjson takes integers up to 2^64 - 1, which has 20 digits; all of 19 digits are below.
constexpr std::size_t kDigitsOfAnyInteger = 19;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool is_one_of(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }
bool is_digit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

class Scanner {
 public:
  explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  const char* at() const { return at_; }
  std::string_view rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }
  bool done() const { return at_ == end_; }
  char peek() const { return done() ? '\0' : *at_; }
  void step() {
    if (!done()) ++at_;
  }

  void skip_space() {
    while (!done() && is_space(*at_)) ++at_;
  }

  // From one quote to behind the other.
  void skip_string() {
    step();
    for (;;) {
      skip_plain();
      if (done()) return;
      if (*at_++ == '"') return;
      step();  // what was escaped
    }
  }

  void skip_value() {
    switch (peek()) {
      case '"':
        return skip_string();
      case '{':
      case '[':
        skip_container();
        return;
      default:
        while (!done() && !is_one_of(",]} \n\t\r", *at_)) ++at_;
    }
  }

  // From one bracket to behind the other; how many bytes of white space lie between its tokens.
  std::size_t skip_container() {
    std::size_t depth = 0, spaces = 0;
    while (!done()) {
      switch (*at_) {
        case '"':
          skip_string();
          continue;
        case '{':
        case '[':
          ++depth;
          break;
        case '}':
        case ']':
          if (--depth > 0) break;
          ++at_;
          return spaces;
        case ' ':
        case '\n':
        case '\t':
        case '\r':
          ++spaces;
          break;
        default:
          break;
      }
      ++at_;
    }
    return spaces;
  }

  // The view of what `skip` passes over.
  template <class Skip>
  std::string_view taken(Skip skip) {
    const char* const begin = at_;
    skip();
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }

 private:
  // To the next quote or backslash, eight bytes at a time.
  void skip_plain() {
    while (end_ - at_ >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at_, sizeof word);
      const std::uint64_t hits = bytes_equal(word, '"') | bytes_equal(word, '\\');
      if (hits != 0) {
        if constexpr (std::endian::native == std::endian::little) at_ += std::countr_zero(hits) / 8;
        break;
      }
      at_ += 8;
    }
    while (!done() && *at_ != '"' && *at_ != '\\') ++at_;
  }

  // The highest bit of the first byte that equals `wanted` is set, and none below it (the haszero of Bit Twiddling
  // Hacks).
  static std::uint64_t bytes_equal(std::uint64_t word, char wanted) {
    constexpr std::uint64_t kOnes = 0x0101010101010101u;
    const std::uint64_t zero_where_equal = word ^ (kOnes * static_cast<unsigned char>(wanted));
    return (zero_where_equal - kOnes) & ~zero_where_equal & (kOnes << 7);
  }

  const char* at_;
  const char* end_;
};

}  // namespace

RawMember nth_member(std::string_view text, std::size_t ordinal) {
  Scanner scanner(text);
  const bool object = scanner.peek() == '{';
  if (!object && scanner.peek() != '[') return {};
  scanner.step();
  for (;; --ordinal) {
    RawMember member;
    scanner.skip_space();
    if (object) {
      if (scanner.peek() != '"') return {};
      member.key = scanner.taken([&scanner] { scanner.skip_string(); });
      scanner.skip_space();
      if (scanner.peek() != ':') return {};
      scanner.step();
      scanner.skip_space();
    }
    member.from_value = scanner.rest();
    if (member.from_value.empty() || is_one_of(",]}", scanner.peek())) return {};
    if (ordinal == 0) return member;
    scanner.skip_value();
    scanner.skip_space();
    if (scanner.peek() != ',') return {};
    scanner.step();
  }
}

std::string_view leading_value(std::string_view text) {
  Scanner scanner(text);
  return scanner.taken([&scanner] { scanner.skip_value(); });
}

std::size_t compact_size(std::string_view text) {
  Scanner scanner(text);
  if (!is_one_of("{[", scanner.peek())) return leading_value(text).size();
  std::size_t spaces = 0;
  return scanner.taken([&] { spaces = scanner.skip_container(); }).size() - spaces;
}

bool widen_large_integers(std::string_view text, std::string& widened) {
  widened.clear();
  const char* copied = text.data();
  for (Scanner scanner(text); !scanner.done();) {
    if (scanner.peek() == '"') {
      scanner.skip_string();
      continue;
    }
    if (!is_digit(scanner.peek())) {
      scanner.step();
      continue;
    }
    const std::string_view digits = scanner.taken([&scanner] {
      while (is_digit(scanner.peek())) scanner.step();
    });
    // Digits of a fraction or an exponent are no integer, nor are those that one follows.
    const char* number = digits.data();
    if (number > text.data() && (number[-1] == '-' || number[-1] == '+')) --number;
    const bool part = number > text.data() && is_one_of(".eE", number[-1]);
    const bool integer = !part && !is_one_of(".eE", scanner.peek());
    if (!integer || digits.size() <= kDigitsOfAnyInteger) continue;
    widened.append(copied, scanner.at());
    widened += "e0";
    copied = scanner.at();
  }
  if (widened.empty()) return false;
  widened.append(copied, text.data() + text.size());
  return true;
}

}  // namespace headroom::webhook
