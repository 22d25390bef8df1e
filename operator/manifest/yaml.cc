// YAML to nodes, from yaml-cpp's events: they tell places, keep aliases apart, and leave every bound to us.
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <cmath>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "operator/manifest/node.h"

namespace headroom::manifest {
namespace {

constexpr char kCoreTags[] = "tag:yaml.org,2002:";
constexpr char kTemplateMessage[] = "this is a template of a Helm chart, not YAML yet";
constexpr char kTemplateRemedy[] = "render it first: helm template CHART | headroom lint -f -";

/// Ends a document that is not to be read on; carries what is wrong.
struct Stop {
  Problem problem;
};

class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string_view text, const std::string& file, int first_line, const Bounds& bounds)
      : text_(text), ruler_(text, first_line), file_(file), bounds_(bounds) {}

  /// The document that was just read; null when it was empty.
  std::shared_ptr<const Node> take() { return std::exchange(root_, nullptr); }
  std::vector<Problem> take_problems() { return std::exchange(problems_, {}); }
  Problem at(const YAML::Mark& mark, std::string message, std::string remedy = "") const {
    const Mark place = mark.is_null() ? Mark{} : ruler_.mark(mark.line, mark.column);
    return {Problem::Severity::Error, {file_, place.line, place.column}, std::move(message), std::move(remedy)};
  }
  bool is_template(const YAML::Mark& mark) const {
    return !mark.is_null() && text_.substr(ruler_.offset(mark.line, mark.column)).starts_with("{{");
  }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {
    open_.clear();
    anchors_.clear();
    root_ = nullptr;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (wants_key()) throw Stop{at(mark, "a key is null", "give the key a name, or quote it")};
    put(scalar(mark, nullptr), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      throw Stop{at(mark, "an alias stands inside the value that it names", "write the value out")};
    }
    if (wants_key()) {
      if (known->second->kind != Node::Kind::Scalar || !known->second->scalar.is_string()) {
        throw Stop{at(mark, "a map or list is used as a key", "use a text as the key")};
      }
      open_.back().key = Node::Member{known->second->scalar.get<std::string>(), place(mark), nullptr};
      return;
    }
    put(known->second, YAML::NullAnchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool plain = tag == "?";
    if (!plain) require_closed_quote(mark);
    if (wants_key()) {
      Open& map = open_.back();
      map.merges = plain && value == "<<";
      map.key = Node::Member{plain ? resolve_plain_key(value) : value, place(mark), nullptr};
      if (anchor != YAML::NullAnchor) anchors_[anchor] = scalar(mark, value);
      return;
    }
    put(scalar(mark, plain || tag.empty() || tag == "!" ? (plain ? resolve_plain(value) : nlohmann::json(value))
                                                        : tagged(mark, tag, value)),
        anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, anchor, Node::Kind::List);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, anchor, Node::Kind::Map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    std::shared_ptr<Node> node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<Node::Member> key;  // of the member whose value comes next
    bool merges = false;              // that key is "<<"
    YAML::Mark opened = YAML::Mark::null_mark();
  };

  /// yaml-cpp takes the end of the text for the end of a quoted scalar.
  void require_closed_quote(const YAML::Mark& mark) const {
    const std::string_view rest = text_.substr(ruler_.offset(mark.line, mark.column));
    if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return;
    const char quote = rest[0];
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (quote == '"' && rest[i] == '\\') {
        ++i;
      } else if (rest[i] == quote) {
        if (quote == '"' || i + 1 == rest.size() || rest[i + 1] != quote) return;
        ++i;
      }
    }
    throw Stop{at(mark, "malformed YAML: the quoted text has no end", "close the quote")};
  }

  Mark place(const YAML::Mark& mark) const { return ruler_.mark(mark.line, mark.column); }
  bool wants_key() const { return !open_.empty() && open_.back().node->kind == Node::Kind::Map && !open_.back().key; }

  std::shared_ptr<Node> scalar(const YAML::Mark& mark, nlohmann::json value) const {
    if (value.is_number_float() && !std::isfinite(value.get<double>())) {
      throw Stop{at(mark, "is infinite or no number, which JSON cannot hold", "write a finite number, or quote it")};
    }
    auto node = std::make_shared<Node>();
    node->at = place(mark);
    node->scalar = as_sent(std::move(value));
    return node;
  }

  /// `!!str 5` and the like; other tags leave the text as it is, as kubectl does.
  nlohmann::json tagged(const YAML::Mark& mark, const std::string& tag, const std::string& value) const {
    if (!tag.starts_with(kCoreTags)) return value;
    const std::string type = tag.substr(sizeof kCoreTags - 1);
    if (type == "str" || type == "timestamp") return value;
    if (type == "binary") {
      std::string bytes;
      if (absl::Base64Unescape(value, &bytes) && valid_utf8(bytes)) return bytes;
      throw Stop{at(mark, "!!binary holds no base64 of a text", "give the text itself")};
    }
    nlohmann::json resolved = resolve_plain(value);
    if (type == "float" && resolved.is_number()) return resolved.get<double>();
    const bool fits = (type == "int" && resolved.is_number_integer()) || (type == "bool" && resolved.is_boolean()) ||
                      (type == "null" && resolved.is_null());
    if (fits) return resolved;
    if (type == "int" || type == "float" || type == "bool" || type == "null") {
      throw Stop{at(mark, absl::StrCat("!!", type, " does not go with \"", value, "\""), "drop the tag")};
    }
    return value;
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, Node::Kind kind) {
    if (wants_key()) {
      const YAML::Mark& outer = open_.back().opened;
      if (is_template(outer) || is_template(mark)) {
        throw Stop{at(is_template(outer) ? outer : mark, kTemplateMessage, kTemplateRemedy)};
      }
      throw Stop{at(mark, "a map or list is used as a key", "use a text as the key")};
    }
    if (open_.size() >= static_cast<std::size_t>(bounds_.depth)) {
      throw Stop{at(mark, absl::StrCat("maps and lists lie in each other more than ", bounds_.depth, " deep"))};
    }
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->at = place(mark);
    open_.push_back({std::move(node), anchor, {}, false, mark});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    put(done.node, done.anchor);
  }

  void put(std::shared_ptr<const Node> node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& outer = open_.back();
    outer.node->weight += node->weight;
    if (outer.node->weight > bounds_.nodes) {
      throw Stop{{Problem::Severity::Error,
                  {file_, node->at.line, node->at.column},
                  absl::StrCat("the document unfolds to more than ", bounds_.nodes, " values"),
                  "split it, or write aliases out"}};
    }
    if (outer.node->kind == Node::Kind::List) {
      outer.node->elements.push_back(std::move(node));
      return;
    }
    Node::Member member = *std::exchange(outer.key, std::nullopt);
    if (std::exchange(outer.merges, false)) {
      merge(*outer.node, *node, member.key);
      return;
    }
    member.value = std::move(node);
    add_member(*outer.node, std::move(member), file_, problems_);
  }

  /// "<<": the members of another map, or of several, of which the earlier count; a key that stands before is replaced,
  /// one that comes later replaces.
  void merge(Node& map, const Node& from, Mark key) {
    if (from.kind == Node::Kind::List) {
      for (auto each = from.elements.rbegin(); each != from.elements.rend(); ++each) merge(map, **each, key);
      return;
    }
    if (from.kind != Node::Kind::Map) {
      throw Stop{{Problem::Severity::Error,
                  {file_, key.line, key.column},
                  "\"<<\" takes the members of a map, and this is none",
                  "give it an alias of a map"}};
    }
    for (const Node::Member& member : from.members) {
      std::erase_if(map.members, [&](const Node::Member& each) { return each.name == member.name; });
      map.members.push_back(member);
      map.members.back().merged = true;
    }
  }

  const std::string_view text_;
  const Ruler ruler_;
  const std::string& file_;
  const Bounds& bounds_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, std::shared_ptr<const Node>> anchors_;
  std::shared_ptr<const Node> root_;
  std::vector<Problem> problems_;
};

/// yaml-cpp takes byte 4 for the end of the text, and other control characters are no YAML either.
std::optional<Problem> unreadable_bytes(std::string_view text, const std::string& file, const Ruler& ruler) {
  const auto problem = [&](std::size_t offset, const char* message) {
    const Mark place = ruler.mark_of_offset(offset);
    return Problem{Problem::Severity::Error,
                   {file, place.line, place.column},
                   message,
                   "save the file as UTF-8 text without control characters"};
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) {
      return problem(i, "a control character stands here");
    }
  }
  if (!valid_utf8(text)) return problem(0, "the text is not UTF-8");
  return std::nullopt;
}

/// The first "{{" of a text that is no YAML: whoever wrote it meant a template.
std::optional<std::size_t> template_mark(std::string_view text) {
  const std::size_t found = text.find("{{");
  return found == std::string_view::npos ? std::nullopt : std::optional(found);
}

/// A tab in the white space that the line of a mark begins with.
std::optional<std::size_t> indenting_tab(std::string_view text, const Ruler& ruler, const YAML::Mark& mark) {
  for (std::size_t i = ruler.offset(mark.line, 0); i < text.size() && (text[i] == ' ' || text[i] == '\t'); ++i) {
    if (text[i] == '\t') return i;
  }
  return std::nullopt;
}

}  // namespace

Parsed parse_yaml(std::string_view text, const std::string& file, int first_line, const Bounds& bounds) {
  Parsed parsed;
  const Ruler ruler(text, first_line);
  if (auto problem = unreadable_bytes(text, file, ruler)) {
    parsed.problems.push_back(*std::move(problem));
    parsed.broken = true;
    return parsed;
  }
  Builder builder(text, file, first_line, bounds);
  std::istringstream stream{std::string(text)};
  const auto broken = [&](Problem problem) {
    for (Problem& each : builder.take_problems()) parsed.problems.push_back(std::move(each));
    parsed.problems.push_back(std::move(problem));
    parsed.broken = true;
  };
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
      for (Problem& each : builder.take_problems()) parsed.problems.push_back(std::move(each));
      if (auto root = builder.take()) parsed.roots.push_back(std::move(root));
    }
  } catch (Stop& stop) {
    broken(std::move(stop.problem));
  } catch (const YAML::Exception& error) {
    if (const auto brace = template_mark(text)) {
      const Mark place = ruler.mark_of_offset(*brace);
      broken({Problem::Severity::Error, {file, place.line, place.column}, kTemplateMessage, kTemplateRemedy});
    } else if (const auto tab = indenting_tab(text, ruler, error.mark)) {
      const Mark place = ruler.mark_of_offset(*tab);
      broken({Problem::Severity::Error,
              {file, place.line, place.column},
              "malformed YAML: a tab indents this line",
              "indent with spaces"});
    } else {
      broken(builder.at(error.mark, absl::StrCat("malformed YAML: ", error.msg)));
    }
  }
  return parsed;
}

}  // namespace headroom::manifest
