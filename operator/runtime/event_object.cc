#include "operator/runtime/event_object.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "operator/base/duration.h"

namespace headroom::runtime {
namespace {

using nlohmann::json;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::size_t kLongestName = 253;  // RFC 1123 subdomain
constexpr std::size_t kSuffix = 17;        // "." and 16 hex digits

/// The length of the valid UTF-8 sequence that `text` starts with; 0 when it starts with none (RFC 3629, table 3-7 of
/// the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

class Fnv1a {
 public:
  void add(std::string_view text) {
    for (const char c : text) mix(static_cast<unsigned char>(c));
    mix(0xFF);  // no UTF-8 text contains it, so "ab","c" and "a","bc" differ
  }
  std::uint64_t value() const { return hash_; }

 private:
  void mix(unsigned char byte) { hash_ = (hash_ ^ byte) * 0x100000001b3ULL; }
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

const char* to_string(EventText::Type type) { return type == EventText::Type::Warning ? "Warning" : "Normal"; }

json series(const EventRecord& record) {
  return {{"count", record.count}, {"lastObservedTime", format_rfc3339_micro(record.last)}};
}

}  // namespace

std::string bounded_text(std::string_view text, std::size_t limit) {
  std::string bounded;
  bounded.reserve(std::min(text.size(), limit));
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const std::string_view next = length == 0 ? kReplacement : text.substr(0, length);
    if (bounded.size() + next.size() > limit) break;
    bounded += next;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return bounded;
}

EventText bounded_event(const EventText& text) {
  EventText bounded{text.type, bounded_text(text.reason, kLongestReason), bounded_text(text.action, kLongestReason),
                    bounded_text(text.note, kLongestNote)};
  if (bounded.reason.empty()) bounded.reason = "Unknown";
  if (bounded.action.empty()) bounded.action = bounded.reason;
  return bounded;
}

std::string event_name(const EventRecord& record, const std::string& instance) {
  Fnv1a hash;
  for (const std::string* part :
       {&record.subject.api_version, &record.subject.kind, &record.subject.key.ns, &record.subject.key.name,
        &record.subject.uid, &record.text.reason, &record.text.action, &record.text.note, &instance}) {
    hash.add(*part);
  }
  hash.add(to_string(record.text.type));
  hash.add(std::to_string(absl::ToUnixNanos(record.first)));
  std::array<char, kSuffix + 1> suffix{};
  std::snprintf(suffix.data(), suffix.size(), ".%016llx", static_cast<unsigned long long>(hash.value()));

  std::string name = record.subject.key.name.substr(0, kLongestName - kSuffix);
  while (!name.empty() && (name.back() == '.' || name.back() == '-')) name.pop_back();
  return name + suffix.data();
}

api::ObjectKey event_key(const EventRecord& record, const std::string& instance) {
  return {record.subject.key.ns.empty() ? "default" : record.subject.key.ns, event_name(record, instance)};
}

json event_object(const EventRecord& record, const EventReporter& reporter) {
  const api::ObjectKey key = event_key(record, reporter.instance);
  json regarding{{"apiVersion", record.subject.api_version},
                 {"kind", record.subject.kind},
                 {"name", record.subject.key.name},
                 {"uid", record.subject.uid}};
  if (!record.subject.key.ns.empty()) regarding["namespace"] = record.subject.key.ns;
  json object{
      {"apiVersion", "events.k8s.io/v1"},
      {"kind", "Event"},
      {"metadata", {{"namespace", key.ns}, {"name", key.name}}},
      {"eventTime", format_rfc3339_micro(record.first)},
      {"reportingController", reporter.controller},
      {"reportingInstance", bounded_text(reporter.instance.empty() ? "headroom" : reporter.instance, kLongestReason)},
      {"regarding", std::move(regarding)},
      {"type", to_string(record.text.type)},
      {"reason", record.text.reason},
      {"action", record.text.action},
      {"note", record.text.note}};
  if (record.count > 1) object["series"] = series(record);
  return object;
}

json series_patch(const EventRecord& record) { return {{"series", series(record)}}; }

}  // namespace headroom::runtime
