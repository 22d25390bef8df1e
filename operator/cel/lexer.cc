#include "operator/cel/lexer.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <charconv>
#include <optional>

namespace headroom::cel {
namespace {

bool is_name_start(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_name_part(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool is_digit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

void append_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
    return;
  }
  const auto tail = [](std::uint32_t bits) { return static_cast<char>(0x80U | (bits & 0x3FU)); };
  if (point < 0x800) {
    out += static_cast<char>(0xC0U | (point >> 6U));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0U | (point >> 12U));
    out += tail(point >> 6U);
  } else {
    out += static_cast<char>(0xF0U | (point >> 18U));
    out += tail(point >> 12U);
    out += tail(point >> 6U);
  }
  out += tail(point);
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> all() {
    std::vector<Token> tokens;
    for (;;) {
      skip_space();
      BOOST_OUTCOME_TRY(token, next());
      tokens.push_back(std::move(token));
      if (tokens.back().kind == Token::Kind::End) return tokens;
    }
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void skip_space() {
    while (at_ < text_.size()) {
      if (absl::ascii_isspace(static_cast<unsigned char>(peek()))) {
        ++at_;
      } else if (peek() == '/' && peek(1) == '/') {
        while (at_ < text_.size() && peek() != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  Result<Token> next() {
    Token token;
    token.offset = at_;
    if (at_ >= text_.size()) return token;
    if (const auto quote = quote_ahead()) return quoted(*quote);
    if (is_name_start(peek())) {
      token.kind = Token::Kind::Name;
      while (is_name_part(peek())) token.text += text_[at_++];
      return token;
    }
    if (is_digit(peek()) || (peek() == '.' && is_digit(peek(1)))) return number();
    static constexpr const char* kSymbols[] = {"==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", "{", "}",
                                               "<",  ">",  "+",  "-",  "*",  "/",  "%", "!", "?", ":", ",", "."};
    for (const char* symbol : kSymbols) {
      if (text_.substr(at_).starts_with(symbol)) {
        token.kind = Token::Kind::Symbol;
        token.text = symbol;
        at_ += token.text.size();
        return token;
      }
    }
    return syntax_error(at_, absl::StrCat("\"", std::string(1, peek()), "\" is no part of the language"));
  }

  Result<Token> number() {
    Token token;
    token.offset = at_;
    const bool hexadecimal = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
    if (hexadecimal) at_ += 2;
    const std::size_t from = at_;
    bool whole = true;
    if (hexadecimal) {
      while (absl::ascii_isxdigit(static_cast<unsigned char>(peek()))) ++at_;
    } else {
      while (is_digit(peek())) ++at_;
      if (peek() == '.' && is_digit(peek(1))) {
        whole = false;
        ++at_;
        while (is_digit(peek())) ++at_;
      }
      const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
      if ((peek() == 'e' || peek() == 'E') && is_digit(peek(1 + sign))) {
        whole = false;
        at_ += 1 + sign;
        while (is_digit(peek())) ++at_;
      }
    }
    const std::string literal(text_.substr(from, at_ - from));
    if (!whole) {
      token.kind = Token::Kind::Double;
      if (!absl::SimpleAtod(literal, &token.number)) return syntax_error(token.offset, "no number");
      return token;
    }
    const auto [end, error] =
        std::from_chars(literal.data(), literal.data() + literal.size(), token.whole, hexadecimal ? 16 : 10);
    if (error != std::errc() || end != literal.data() + literal.size()) {
      return syntax_error(token.offset, "the number does not fit 64 bits");
    }
    token.kind = Token::Kind::Int;
    if (peek() == 'u' || peek() == 'U') {
      token.kind = Token::Kind::Uint;
      ++at_;
    }
    return token;
  }

  struct Quote {
    bool raw = false, bytes = false;
    std::size_t prefix = 0;
    std::string_view mark;  // one quote or three
  };

  std::optional<Quote> quote_ahead() const {
    Quote quote;
    for (; quote.prefix < 2; ++quote.prefix) {
      const char letter = absl::ascii_tolower(static_cast<unsigned char>(peek(quote.prefix)));
      if (letter == 'r' && !quote.raw) {
        quote.raw = true;
      } else if (letter == 'b' && !quote.bytes) {
        quote.bytes = true;
      } else {
        break;
      }
    }
    const char mark = peek(quote.prefix);
    if (mark != '"' && mark != '\'') return std::nullopt;
    const bool triple = peek(quote.prefix + 1) == mark && peek(quote.prefix + 2) == mark;
    quote.mark = text_.substr(at_ + quote.prefix, triple ? 3 : 1);
    return quote;
  }

  Result<Token> quoted(const Quote& quote) {
    Token token;
    token.offset = at_;
    token.kind = quote.bytes ? Token::Kind::Bytes : Token::Kind::Text;
    at_ += quote.prefix + quote.mark.size();
    while (!text_.substr(at_).starts_with(quote.mark)) {
      if (at_ >= text_.size() || (quote.mark.size() == 1 && peek() == '\n')) {
        return syntax_error(token.offset, "the text has no end");
      }
      if (peek() == '\\' && !quote.raw) {
        BOOST_OUTCOME_TRYV(escape(token.text, quote.bytes));
      } else {
        token.text += text_[at_++];
      }
    }
    at_ += quote.mark.size();
    return token;
  }

  Status escape(std::string& out, bool bytes) {
    const std::size_t from = at_++;
    const char letter = peek();
    ++at_;
    static constexpr std::string_view kLetters = "abfnrtv\\?\"'`", kMeanings = "\a\b\f\n\r\t\v\\?\"'`";
    if (const std::size_t known = kLetters.find(letter); letter != '\0' && known != std::string_view::npos) {
      out += kMeanings[known];
      return ok();
    }
    std::size_t digits = 0;
    int base = 16;
    if (letter == 'x' || letter == 'X') {
      digits = 2;
    } else if (letter == 'u' && !bytes) {
      digits = 4;
    } else if (letter == 'U' && !bytes) {
      digits = 8;
    } else if (letter >= '0' && letter <= '3') {
      digits = 3;
      base = 8;
      --at_;
    }
    std::uint32_t point = 0;
    const std::string_view code = text_.substr(std::min(at_, text_.size()), digits);
    const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), point, base);
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (digits == 0 || code.size() != digits || error != std::errc() || end != code.data() + code.size() ||
        point > 0x10FFFF || surrogate) {
      return syntax_error(from, "bad escape in a text");
    }
    at_ += digits;
    if (bytes) {
      out += static_cast<char>(point);
    } else {
      append_utf8(out, point);
    }
    return ok();
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Error syntax_error(std::size_t offset, const std::string& problem) {
  return invalid(absl::StrCat("at character ", offset + 1, ": ", problem));
}

Result<std::vector<Token>> tokens_of(std::string_view text) { return Lexer(text).all(); }

}  // namespace headroom::cel
