// Columns of text as kubectl prints them: capitals above, three blanks between, no lines. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace headroom::cli {

enum class Tone { Plain, Good, Attention, Bad, Faint };

/// `text` in the tone's colour where `colours` says so.
std::string toned(std::string_view text, Tone tone, bool colours);

/// How many columns of a terminal a UTF-8 text takes (one for each code point).
std::size_t display_width(std::string_view text);

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : header_(std::move(header)) {}

  struct Cell {
    std::string text;
    Tone tone = Tone::Plain;
    Cell(std::string text_in, Tone tone_in = Tone::Plain) : text(std::move(text_in)), tone(tone_in) {}
    Cell(const char* text_in) : text(text_in) {}
  };
  /// As many cells as the header has.
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }

  /// Empty cells are shown as "-"; no line ends in a blank.
  std::string to_text(bool colours) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace headroom::cli
