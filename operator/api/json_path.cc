#include "operator/api/json_path.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace headroom::api {
namespace {

using Step = JsonPath::Step;

constexpr std::size_t kLongest = 256, kMostSteps = 16, kMostIndexDigits = 4;
constexpr std::ptrdiff_t kMostEach = 2;

bool starts_name(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool continues_name(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; }
bool in_key(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '/' || c == '-' || c == '_';
}

/// ".name" at the start of `text`, which it takes away.
std::optional<Step> take_name(std::string_view& text) {
  text.remove_prefix(1);
  if (text.empty() || !starts_name(text.front())) return std::nullopt;
  const auto end = std::find_if_not(text.begin(), text.end(), continues_name);
  Step step{Step::Kind::Member, std::string(text.begin(), end), 0};
  text.remove_prefix(step.name.size());
  return step;
}

std::optional<Step> key_step(std::string_view inner) {
  if (inner.size() < 3 || inner.back() != '\'') return std::nullopt;
  inner = inner.substr(1, inner.size() - 2);
  if (!std::all_of(inner.begin(), inner.end(), in_key)) return std::nullopt;
  return Step{Step::Kind::Member, std::string(inner), 0};
}

std::optional<Step> index_step(std::string_view inner) {
  const bool leading_zero = inner.size() > 1 && inner.front() == '0';
  if (inner.empty() || inner.size() > kMostIndexDigits || leading_zero ||
      !std::all_of(inner.begin(), inner.end(),
                   [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); })) {
    return std::nullopt;
  }
  Step step{Step::Kind::Index, "", 0};
  std::from_chars(inner.data(), inner.data() + inner.size(), step.index);
  return step;
}

/// "[...]" at the start of `text`, which it takes away.
std::optional<Step> take_bracket(std::string_view& text) {
  const std::size_t end = text.find(']');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view inner = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  if (inner == "*") return Step{Step::Kind::Each, "", 0};
  return inner.starts_with('\'') ? key_step(inner) : index_step(inner);
}

Error bad_path(std::string_view text) {
  return invalid(absl::StrCat("path \"", std::string(text.substr(0, kLongest)),
                              "\" must be a chain of fields such as .spec.sizeBytes, .spec.containers[*].image or "
                              ".metadata.annotations['example.com/size'], with at most 256 characters, 16 steps and "
                              "two [*]"));
}

}  // namespace

Result<JsonPath> JsonPath::parse(std::string_view text) {
  if (text.size() > kLongest || !text.starts_with('.')) return bad_path(text);
  JsonPath path;
  for (std::string_view rest = text; !rest.empty();) {
    std::optional<Step> step;
    if (rest.front() == '.') {
      step = take_name(rest);
    } else if (rest.front() == '[') {
      step = take_bracket(rest);
    }
    if (!step || path.steps_.size() == kMostSteps) return bad_path(text);
    path.steps_.push_back(*std::move(step));
  }
  if (std::count_if(path.steps_.begin(), path.steps_.end(),
                    [](const Step& step) { return step.kind == Step::Kind::Each; }) > kMostEach) {
    return bad_path(text);
  }
  path.text_ = text;
  return path;
}

bool JsonPath::names_many() const {
  return std::any_of(steps_.begin(), steps_.end(), [](const Step& step) { return step.kind == Step::Kind::Each; });
}

}  // namespace headroom::api
