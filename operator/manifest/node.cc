#include "operator/manifest/node.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

namespace headroom::manifest {
namespace {

constexpr bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

}  // namespace

std::string Position::to_string() const {
  if (line == 0) return file;
  return column == 0 ? absl::StrCat(file, ":", line) : absl::StrCat(file, ":", line, ":", column);
}

const Node::Member* Node::member(std::string_view name) const {
  const auto found = std::ranges::find(members, name, &Member::name);
  return found == members.end() ? nullptr : &*found;
}

nlohmann::json Node::to_json() const {
  if (kind == Kind::Scalar) return scalar;
  if (kind == Kind::List) {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& element : elements) list.push_back(element->to_json());
    return list;
  }
  nlohmann::json map = nlohmann::json::object();
  for (const Member& each : members) map[each.name] = each.value->to_json();
  return map;
}

Ruler::Ruler(std::string_view text, int first_line) : text_(text), first_line_(first_line) {
  lines_.push_back(0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') lines_.push_back(i + 1);
  }
}

std::size_t Ruler::offset(int line, int column) const {
  const auto index = static_cast<std::size_t>(std::max(line, 0));
  if (index >= lines_.size()) return text_.size();
  return std::min(text_.size(), lines_[index] + static_cast<std::size_t>(std::max(column, 0)));
}

Mark Ruler::mark(int line, int column) const {
  const auto index = std::min(static_cast<std::size_t>(std::max(line, 0)), lines_.size() - 1);
  const std::string_view before = text_.substr(lines_[index]).substr(0, static_cast<std::size_t>(std::max(column, 0)));
  const auto characters = std::ranges::count_if(before, [](char byte) { return !continues_character(byte); });
  return {first_line_ + static_cast<int>(index) + 1, static_cast<int>(characters) + 1};
}

Mark Ruler::mark_of_offset(std::size_t offset) const {
  const auto after = std::ranges::upper_bound(lines_, offset);
  const auto line = after - lines_.begin() - 1;
  return mark(static_cast<int>(line), static_cast<int>(offset - lines_[static_cast<std::size_t>(line)]));
}

bool valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = 1;
    char32_t point = lead;
    if (lead >= 0xF0U && lead <= 0xF4U) {
      length = 4;
      point = lead & 0x07U;
    } else if (lead >= 0xE0U && lead < 0xF0U) {
      length = 3;
      point = lead & 0x0FU;
    } else if (lead >= 0xC2U && lead < 0xE0U) {
      length = 2;
      point = lead & 0x1FU;
    } else if (lead >= 0x80U) {
      return false;
    }
    if (i + length > text.size()) return false;
    for (std::size_t j = 1; j < length; ++j) {
      if (!continues_character(text[i + j])) return false;
      point = (point << 6U) | (static_cast<unsigned char>(text[i + j]) & 0x3FU);
    }
    constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (point < kSmallest[length] || surrogate || point > 0x10FFFF) return false;
    i += length;
  }
  return true;
}

void add_member(Node& map, Node::Member member, const std::string& file, std::vector<Problem>& problems) {
  if (const Node::Member* first = map.member(member.name)) {
    if (!first->merged) {
      problems.push_back({Problem::Severity::Error,
                          {file, member.key.line, member.key.column},
                          absl::StrCat("key \"", member.name, "\" stands here twice, first at line ", first->key.line,
                                       " column ", first->key.column, "; only the last would count"),
                          "remove one of the two"});
    }
    std::erase_if(map.members, [&](const Node::Member& each) { return each.name == member.name; });
  }
  map.members.push_back(std::move(member));
}

}  // namespace headroom::manifest
