// JSON to nodes. Its own reader, because places matter and nlohmann's does not tell them.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <cmath>
#include <cstdint>
#include <utility>

#include "operator/manifest/node.h"

namespace headroom::manifest {
namespace {

struct Stop {
  std::size_t offset = 0;
  std::string message;
};

class JsonText {
 public:
  JsonText(std::string_view text, const std::string& file, const Bounds& bounds, Parsed& parsed)
      : text_(text), ruler_(text, 0), file_(file), bounds_(bounds), parsed_(parsed) {}

  void read_all() {
    try {
      for (skip_space(); at_ < text_.size(); skip_space()) {
        nodes_ = 0;
        parsed_.roots.push_back(value(0));
      }
    } catch (Stop& stop) {
      const Mark place = ruler_.mark_of_offset(stop.offset);
      parsed_.problems.push_back({Problem::Severity::Error,
                                  {file_, place.line, place.column},
                                  absl::StrCat("malformed JSON: ", stop.message),
                                  ""});
      parsed_.broken = true;
    }
  }

 private:
  [[noreturn]] void stop(std::string message) const { throw Stop{at_, std::move(message)}; }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  void expect(char wanted) {
    skip_space();
    if (peek() != wanted) stop(absl::StrCat("a \"", std::string(1, wanted), "\" should stand here"));
    ++at_;
  }
  bool word(std::string_view wanted) {
    if (text_.substr(at_, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }

  std::shared_ptr<const Node> value(int depth) {
    skip_space();
    if (++nodes_ > bounds_.nodes) stop(absl::StrCat("more than ", bounds_.nodes, " values"));
    if (depth > bounds_.depth)
      stop(absl::StrCat("objects and lists lie in each other more than ", bounds_.depth, " deep"));
    auto node = std::make_shared<Node>();
    node->at = ruler_.mark_of_offset(at_);
    if (peek() == '{') {
      object(*node, depth);
    } else if (peek() == '[') {
      list(*node, depth);
    } else if (peek() == '"') {
      node->scalar = text();
    } else if (word("true")) {
      node->scalar = true;
    } else if (word("false")) {
      node->scalar = false;
    } else if (!word("null")) {
      node->scalar = as_sent(number());
    }
    return node;
  }

  void object(Node& node, int depth) {
    node.kind = Node::Kind::Map;
    expect('{');
    for (bool first = true;; first = false) {
      skip_space();
      if (peek() == '}') break;
      if (!first) {
        expect(',');
        skip_space();
      }
      Node::Member member;
      member.key = ruler_.mark_of_offset(at_);
      if (peek() != '"') stop("a name in quotes should stand here");
      member.name = text();
      expect(':');
      member.value = value(depth + 1);
      node.weight += member.value->weight;
      add_member(node, std::move(member), file_, parsed_.problems);
    }
    ++at_;
  }

  void list(Node& node, int depth) {
    node.kind = Node::Kind::List;
    expect('[');
    for (bool first = true;; first = false) {
      skip_space();
      if (peek() == ']') break;
      if (!first) expect(',');
      node.elements.push_back(value(depth + 1));
      node.weight += node.elements.back()->weight;
    }
    ++at_;
  }

  nlohmann::json number() {
    const std::size_t from = at_;
    while (std::string_view("+-.0123456789eE").find(peek()) != std::string_view::npos && peek() != '\0') ++at_;
    const std::string_view literal = text_.substr(from, at_ - from);
    // nlohmann knows the grammar of numbers; it is only shown what holds nothing else.
    nlohmann::json parsed = nlohmann::json::parse(literal, nullptr, false);
    if (literal.empty() || parsed.is_discarded()) {
      at_ = from;
      stop("a value should stand here");
    }
    return parsed;
  }

  std::string text() {
    const std::size_t from = at_++;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) {
      at_ = from;
      stop("the text has no end");
    }
    ++at_;
    // The same for escapes and UTF-8.
    nlohmann::json parsed = nlohmann::json::parse(text_.substr(from, at_ - from), nullptr, false);
    if (!parsed.is_string()) {
      at_ = from;
      stop("the text has a bad escape, a line break, or is not UTF-8");
    }
    return parsed.get<std::string>();
  }

  const std::string_view text_;
  const Ruler ruler_;
  const std::string& file_;
  const Bounds& bounds_;
  Parsed& parsed_;
  std::size_t at_ = 0, nodes_ = 0;
};

}  // namespace

Parsed parse_json(std::string_view text, const std::string& file, const Bounds& bounds) {
  Parsed parsed;
  JsonText(text, file, bounds, parsed).read_all();
  return parsed;
}

}  // namespace headroom::manifest
