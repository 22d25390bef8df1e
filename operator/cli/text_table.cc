#include "operator/cli/text_table.h"

#include <algorithm>

namespace headroom::cli {
namespace {

constexpr std::size_t kGap = 3;

const char* code_of(Tone tone) {
  switch (tone) {
    case Tone::Good:
      return "\x1b[32m";
    case Tone::Attention:
      return "\x1b[33m";
    case Tone::Bad:
      return "\x1b[31m";
    case Tone::Faint:
      return "\x1b[2m";
    case Tone::Plain:
      break;
  }
  return "";
}

}  // namespace

std::string toned(std::string_view text, Tone tone, bool colours) {
  if (!colours || tone == Tone::Plain || text.empty()) return std::string(text);
  return code_of(tone) + std::string(text) + "\x1b[0m";
}

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string TextTable::to_text(bool colours) const {
  std::vector<std::size_t> widths;
  for (const std::string& title : header_) widths.push_back(display_width(title));
  for (const std::vector<Cell>& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], std::max<std::size_t>(1, display_width(row[c].text)));
    }
  }
  std::string out;
  const auto line = [&](const auto& cells, const auto& text_of, const auto& shown) {
    for (std::size_t c = 0; c < cells.size(); ++c) {
      out += shown(cells[c]);
      if (c + 1 < cells.size()) out.append(widths[c] - display_width(text_of(cells[c])) + kGap, ' ');
    }
    out += '\n';
  };
  const auto same = [](const std::string& title) -> const std::string& { return title; };
  line(header_, same, same);
  const auto text_of = [](const Cell& cell) { return cell.text.empty() ? std::string("-") : cell.text; };
  const auto shown = [&](const Cell& cell) { return toned(text_of(cell), cell.tone, colours); };
  for (const std::vector<Cell>& row : rows_) line(row, text_of, shown);
  return out;
}

}  // namespace headroom::cli
