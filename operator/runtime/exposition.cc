#include "operator/runtime/exposition.h"

#include <charconv>
#include <cmath>
#include <utility>

namespace headroom::runtime {
namespace {

void append_escaped(std::string& text, std::string_view value) {
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
}

/// The shortest text that is read back as the same number: a time in seconds has ten digits. Without an exponent as
/// long as that stays readable; a bucket's bound is compared as text.
void append_number(std::string& text, double value) {
  if (std::isnan(value)) {
    text += "NaN";
  } else if (std::isinf(value)) {
    text += value > 0 ? "+Inf" : "-Inf";
  } else {
    const double size = std::abs(value);
    const bool plain = size == 0 || (size >= 1e-6 && size < 1e17);
    char digits[64];
    text.append(digits, std::to_chars(std::begin(digits), std::end(digits), value,
                                      plain ? std::chars_format::fixed : std::chars_format::scientific)
                            .ptr);
  }
}

/// Without the closing brace; whether there is an open one.
bool append_labels(std::string& text, std::initializer_list<Exposition::Label> labels) {
  char separator = '{';
  for (const auto& [label, content] : labels) {
    if (content.empty()) continue;
    ((text += separator) += label) += "=\"";
    append_escaped(text, content);
    text += '"';
    separator = ',';
  }
  return separator == ',';
}

void append_sample(std::string& text, std::string_view name, std::initializer_list<Exposition::Label> labels,
                   double value) {
  text += name;
  text += append_labels(text, labels) ? "} " : " ";
  append_number(text, value);
  text += '\n';
}

}  // namespace

std::string& Exposition::family(std::string_view name, std::string_view help, const char* type) {
  const auto known = families_.find(name);
  if (known != families_.end()) return known->second;
  std::string head = "# HELP ";
  ((head += name) += ' ') += help;
  ((((head += "\n# TYPE ") += name) += ' ') += type) += '\n';
  return families_.emplace(name, std::move(head)).first->second;
}

void Exposition::gauge(std::string_view name, std::string_view help, std::initializer_list<Label> labels,
                       double value) {
  append_sample(family(name, help, "gauge"), name, labels, value);
}

void Exposition::counter(std::string_view name, std::string_view help, std::initializer_list<Label> labels,
                         double value) {
  append_sample(family(name, help, "counter"), name, labels, value);
}

void Exposition::histogram(std::string_view name, std::string_view help, std::initializer_list<Label> labels,
                           std::span<const double> bounds, std::span<const std::uint64_t> counts, double sum) {
  std::string& text = family(name, help, "histogram");
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    below += counts[i];
    (text += name) += "_bucket";
    append_labels(text, labels);
    text += ",le=\"";
    append_number(text, i < bounds.size() ? bounds[i] : HUGE_VAL);
    text += "\"} ";
    append_number(text, static_cast<double>(below));
    text += '\n';
  }
  append_sample(text, std::string(name) + "_sum", labels, sum);
  append_sample(text, std::string(name) + "_count", labels, static_cast<double>(below));
}

std::string Exposition::take_text(std::string before) {
  std::string all = std::move(before);
  while (!families_.empty()) all += families_.extract(families_.begin()).mapped();
  return all;
}

}  // namespace headroom::runtime
