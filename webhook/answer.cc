#include "webhook/answer.h"

#include <algorithm>
#include <cstdint>

namespace headroom::webhook {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The length of the UTF-8 sequence that `text` begins with; 0 where it begins with none (RFC 3629 §4).
std::size_t sequence_length(std::string_view text) {
  const auto at = [&text](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  const auto follows = [&at](std::size_t i) { return (at(i) & 0xC0) == 0x80; };
  const std::uint8_t first = at(0), second = at(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    const bool overlong = first == 0xE0 && second < 0xA0, surrogate = first == 0xED && second >= 0xA0;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    const bool overlong = first == 0xF0 && second < 0x90, beyond = first == 0xF4 && second >= 0x90;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7F && c != '"' && c != '\\';
}

void append_special(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else {
    out += "\\u00";
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

// A JSON string with its quotes.
void append_text(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto plain = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::size_t length = sequence_length(text);
    if (length == 0) {
      out += kReplacement;
    } else if (length == 1) {
      append_special(out, text.front());
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out += '"';
}

void append_status(std::string& out, const Answer& answer) {
  out += R"(,"status":{"status":"Failure","message":)";
  append_text(out, answer.message);
  out += R"(,"reason":)";
  append_text(out, answer.reason);
  if (answer.retry_after) {
    out += R"(,"details":{"retryAfterSeconds":)";
    out += std::to_string(std::max<std::chrono::seconds::rep>(answer.retry_after->count(), 1));
    out += '}';
  }
  out += R"(,"code":)";
  out += std::to_string(answer.code);
  out += '}';
}

}  // namespace

void append_answer(std::string& out, std::string_view uid, const Answer& answer) {
  out += R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":)";
  append_text(out, uid);
  out += answer.allowed ? R"(,"allowed":true)" : R"(,"allowed":false)";
  if (!answer.allowed) append_status(out, answer);
  std::string_view separator = R"(,"warnings":[)";
  for (const std::string& warning : answer.warnings) {
    out += separator;
    append_text(out, warning);
    separator = ",";
  }
  if (!answer.warnings.empty()) out += ']';
  separator = R"(,"auditAnnotations":{)";
  for (const auto& [key, value] : answer.audit_annotations) {
    out += separator;
    append_text(out, key);
    out += ':';
    append_text(out, value);
    separator = ",";
  }
  if (!answer.audit_annotations.empty()) out += '}';
  out += "}}";
}

}  // namespace headroom::webhook
