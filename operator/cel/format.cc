#include "operator/cel/format.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <bitset>
#include <optional>

#include "operator/cel/text.h"

namespace headroom::cel {
namespace {

std::string in_words(const Value& value) {
  if (const auto* bytes = value.as<Bytes>()) return bytes->data;
  if (const auto* list = value.as<List>()) {
    std::string text = "[";
    for (const Value& element : *list) absl::StrAppend(&text, text.size() > 1 ? ", " : "", in_words(element));
    return text + "]";
  }
  if (const auto* map = value.as<Map>()) {
    std::string text = "{";
    for (const auto& [key, element] : *map) {
      absl::StrAppend(&text, text.size() > 1 ? ", " : "", in_words(key), ": ", in_words(element));
    }
    return text + "}";
  }
  return plain_text(value);
}

/// Sign and magnitude of a whole number.
struct Whole {
  bool negative = false;
  std::uint64_t magnitude = 0;
};
std::optional<Whole> whole(const Value& value) {
  if (const auto* number = value.as<std::int64_t>()) {
    const auto bits = static_cast<std::uint64_t>(*number);
    return Whole{*number < 0, *number < 0 ? ~bits + 1 : bits};
  }
  if (const auto* number = value.as<std::uint64_t>()) return Whole{false, *number};
  if (const auto* flag = value.as<bool>()) return Whole{false, *flag ? 1U : 0U};
  return std::nullopt;
}

std::string binary(std::uint64_t number) {
  const std::string digits = std::bitset<64>(number).to_string();
  const std::size_t first = digits.find('1');
  return first == std::string::npos ? "0" : digits.substr(first);
}

Result<std::string> clause(char letter, int precision, const Value& value) {
  const auto wrong = [&] {
    return invalid(absl::StrCat("could not format: %", std::string(1, letter), " does not take ", value.type_name()));
  };
  const std::optional<Whole> number = whole(value);
  const char* sign = number && number->negative ? "-" : "";
  switch (letter) {
    case 's':
      return in_words(value);
    case 'd':
      if (!number || value.as<bool>()) return wrong();
      return absl::StrCat(sign, number->magnitude);
    case 'b':
      if (!number) return wrong();
      return absl::StrCat(sign, binary(number->magnitude));
    case 'o':
      if (!number || value.as<bool>()) return wrong();
      return absl::StrFormat("%s%o", sign, number->magnitude);
    case 'x':
    case 'X': {
      std::string digits;
      if (number && !value.as<bool>()) {
        digits = absl::StrFormat("%s%x", sign, number->magnitude);
      } else if (const auto* text = value.as<std::string>()) {
        digits = absl::BytesToHexString(*text);
      } else if (const auto* bytes = value.as<Bytes>()) {
        digits = absl::BytesToHexString(bytes->data);
      } else {
        return wrong();
      }
      return letter == 'X' ? absl::AsciiStrToUpper(digits) : digits;
    }
    case 'f':
    case 'e': {
      double real = 0;
      if (const auto* given = value.as<double>()) {
        real = *given;
      } else if (number && !value.as<bool>()) {
        real = (number->negative ? -1.0 : 1.0) * static_cast<double>(number->magnitude);
      } else {
        return wrong();
      }
      return letter == 'f' ? absl::StrFormat("%.*f", precision, real) : absl::StrFormat("%.*e", precision, real);
    }
    default:
      return invalid(absl::StrCat("could not format: unrecognized clause %", std::string(1, letter)));
  }
}

}  // namespace

Result<std::string> formatted(std::string_view format, const List& arguments) {
  std::string out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    ++i;
    if (i < format.size() && format[i] == '%') {
      out += '%';
      continue;
    }
    constexpr int kDefaultPrecision = 6, kMostPrecision = 1000;
    int precision = kDefaultPrecision;
    if (i < format.size() && format[i] == '.') {
      precision = 0;
      for (++i; i < format.size() && absl::ascii_isdigit(static_cast<unsigned char>(format[i])); ++i) {
        precision = precision * 10 + (format[i] - '0');
        if (precision > kMostPrecision) return invalid("could not format: the precision is beyond 1000");
      }
    }
    if (i >= format.size()) return invalid("could not format: a clause has no end");
    if (next >= arguments.size()) {
      return invalid(absl::StrCat("could not format: there is no argument ", next, " for the clause %",
                                  std::string(1, format[i])));
    }
    BOOST_OUTCOME_TRY(text, clause(format[i], precision, arguments[next++]));
    out += text;
  }
  return out;
}

}  // namespace headroom::cel
