#include "webhook/raw_json.h"

#include <absl/strings/ascii.h>

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
    const char* const first = ++at_;
    while (!done()) {
      const auto* const quote = static_cast<const char*>(std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_)));
      if (quote == nullptr) break;
      at_ = quote + 1;
      const char* unescaped = quote;
      while (unescaped > first && unescaped[-1] == '\\') --unescaped;
      if ((quote - unescaped) % 2 == 0) return;
    }
    at_ = end_;
  }

  void skip_value() {
    std::size_t depth = 0;
    do {
      switch (peek()) {
        case '"':
          skip_string();
          break;
        case '{':
        case '[':
          ++depth;
          ++at_;
          break;
        case '}':
        case ']':
          if (depth == 0) return;
          --depth;
          ++at_;
          break;
        default:
          if (depth == 0) return skip_literal();
          step();
      }
    } while (depth > 0 && !done());
  }

  // The view of what `skip` passes over.
  template <class Skip>
  std::string_view taken(Skip skip) {
    const char* const begin = at_;
    skip();
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }

 private:
  void skip_literal() {
    while (!done() && !is_one_of(",]} \n\t\r", *at_)) ++at_;
  }

  const char* at_;
  const char* end_;
};

}  // namespace

RawMember nth_member(std::string_view container, std::size_t ordinal) {
  Scanner scanner(container);
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
    member.value = scanner.taken([&scanner] { scanner.skip_value(); });
    if (member.value.empty()) return {};
    if (ordinal == 0) return member;
    scanner.skip_space();
    if (scanner.peek() != ',') return {};
    scanner.step();
  }
}

std::size_t compact_size(std::string_view text) {
  std::size_t spaces = 0;
  for (Scanner scanner(text); !scanner.done();) {
    if (scanner.peek() == '"') {
      scanner.skip_string();
      continue;
    }
    if (is_space(scanner.peek())) ++spaces;
    scanner.step();
  }
  return text.size() - spaces;
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
