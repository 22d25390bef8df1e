#include "operator/manifest/reader.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/manifest/node.h"

namespace headroom::manifest {
namespace {

/// A part of a stream, beginning with its "---" line if it has one.
struct Piece {
  std::string_view text;
  int first_line = 0;
};

/// At lines of "---", as kubectl cuts streams: so one malformed document does not hide those after it.
std::vector<Piece> cut_at_separators(std::string_view text) {
  std::vector<Piece> pieces;
  std::size_t begin = 0, line_begin = 0;
  int begin_line = 0, line = 0;
  while (line_begin < text.size()) {
    const std::string_view here = text.substr(line_begin);
    const bool separates = here.starts_with("---") &&
                           (here.size() == 3 || std::string_view(" \t\r\n").find(here[3]) != std::string_view::npos);
    if (separates && line_begin > begin) {
      pieces.push_back({text.substr(begin, line_begin - begin), begin_line});
      begin = line_begin;
      begin_line = line;
    }
    const std::size_t end = here.find('\n');
    if (end == std::string_view::npos) break;
    line_begin += end + 1;
    ++line;
  }
  if (begin < text.size()) pieces.push_back({text.substr(begin), begin_line});
  return pieces;
}

bool is_list(const Node& root) {
  const Node::Member* kind = root.member("kind");
  const Node::Member* items = root.member("items");
  return kind && kind->value->scalar.is_string() && kind->value->scalar.get<std::string>().ends_with("List") && items &&
         items->value->kind == Node::Kind::List;
}

void add_document(const std::string& file, const std::shared_ptr<const Node>& root, ReadResult& result) {
  const auto fault = [&](Mark mark, std::string message, std::string remedy) {
    result.problems.push_back(
        {Problem::Severity::Error, {file, mark.line, mark.column}, std::move(message), std::move(remedy)});
  };
  if (root->kind == Node::Kind::Scalar && root->scalar.is_null()) return;
  if (root->kind != Node::Kind::Map) {
    fault(root->at, "is no Kubernetes object, but a single value or a list",
          "begin with apiVersion and kind; give several objects as documents, each after a line \"---\"");
    return;
  }
  if (root->members.empty()) return;
  if (is_list(*root)) {
    for (const auto& item : root->member("items")->value->elements) add_document(file, item, result);
    return;
  }
  for (const char* field : {"apiVersion", "kind"}) {
    const Node::Member* member = root->member(field);
    if (member && member->value->scalar.is_string() && !member->value->scalar.get<std::string>().empty()) continue;
    if (member) {
      fault(member->value->at, absl::StrCat(field, " must be a text that is not empty"), "");
    } else {
      fault(root->at, absl::StrCat("is no Kubernetes object: ", field, " is missing"),
            "add it, or keep files that are no manifests elsewhere");
    }
    return;
  }
  result.documents.emplace_back(file, root);
}

void add_parsed(const std::string& file, Parsed parsed, ReadResult& result) {
  for (Problem& problem : parsed.problems) result.problems.push_back(std::move(problem));
  for (const auto& root : parsed.roots) add_document(file, root, result);
}

}  // namespace

std::string Problem::to_string() const {
  return absl::StrCat(where.to_string(), ": ", message, remedy.empty() ? "" : "; ", remedy);
}

bool ReadResult::failed() const {
  return std::ranges::any_of(problems, [](const Problem& each) { return each.severity == Problem::Severity::Error; });
}

ReadResult read_text(std::string_view text, const std::string& file, const Bounds& bounds) {
  ReadResult result;
  if (text.size() > bounds.file_bytes) {
    Problem& problem = result.problems.emplace_back();
    problem.where = {file, 0, 0};
    problem.message = absl::StrCat("has ", text.size(), " bytes, at most ", bounds.file_bytes, " are read");
    problem.remedy = "split it";
    return result;
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());

  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && (text[first] == '{' || text[first] == '[')) {
    Parsed parsed = parse_json(text, file, bounds);
    // A YAML document may begin with a brace, too.
    if (!parsed.broken || file.ends_with(".json")) {
      add_parsed(file, std::move(parsed), result);
      return result;
    }
  }
  for (const Piece& piece : cut_at_separators(text)) {
    add_parsed(file, parse_yaml(piece.text, file, piece.first_line, bounds), result);
  }
  return result;
}

}  // namespace headroom::manifest
