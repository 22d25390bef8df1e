#include "operator/manifest/document.h"

#include <absl/strings/str_cat.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "operator/manifest/node.h"

namespace headroom::manifest {
namespace {

std::string text_at(const nlohmann::json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool consume(std::string_view& text, char first) {
  if (!text.starts_with(first)) return false;
  text.remove_prefix(1);
  return true;
}

/// The next step of a path, taken off its front.
struct Step {
  bool is_index = false;
  std::size_t index = 0;
  std::string_view name;
};

/// "[3]", "[name]", "['name']", "[\"name\"]".
std::optional<Step> bracket_step(std::string_view& path) {
  if (!consume(path, '[')) return std::nullopt;
  Step step;
  if (!path.empty() && (path[0] == '\'' || path[0] == '"')) {
    const std::size_t end = path.find(path[0], 1);
    if (end == std::string_view::npos) return std::nullopt;
    step.name = path.substr(1, end - 1);
    path.remove_prefix(end + 1);
    consume(path, ']');
    return step;
  }
  const std::size_t end = path.find(']');
  if (end == std::string_view::npos) return std::nullopt;
  step.name = path.substr(0, end);
  const char* const last = step.name.data() + step.name.size();
  step.is_index = std::from_chars(step.name.data(), last, step.index) == std::from_chars_result{last, std::errc()};
  path.remove_prefix(end + 1);
  return step;
}

/// The member whose name the path goes on with; of several ("a", "a.b") the longest.
const Node::Member* dotted_member(const Node& map, std::string_view& path) {
  const Node::Member* best = nullptr;
  for (const Node::Member& member : map.members) {
    if (member.name.empty() || !path.starts_with(member.name)) continue;
    const std::string_view rest = path.substr(member.name.size());
    if (!rest.empty() && rest[0] != '.' && rest[0] != '[') continue;
    if (!best || member.name.size() > best->name.size()) best = &member;
  }
  if (best) path.remove_prefix(best->name.size());
  return best;
}

/// As far as the path leads.
struct Found {
  const Node* node = nullptr;
  Mark key;  ///< of the member that the node is the value of; the node itself for elements and for the root
};

Found find(const Node& root, std::string_view path) {
  Found found{&root, root.at};
  while (!path.empty()) {
    consume(path, '.');
    if (path.starts_with('[')) {
      const std::optional<Step> step = bracket_step(path);
      if (!step) return found;
      if (found.node->kind == Node::Kind::List && step->is_index && step->index < found.node->elements.size()) {
        const Node* element = found.node->elements[step->index].get();
        found = {element, element->at};
        continue;
      }
      const Node::Member* member = found.node->member(step->name);
      if (!member) return found;
      found = {member->value.get(), member->key};
      continue;
    }
    const Node::Member* member = dotted_member(*found.node, path);
    if (!member) return found;
    found = {member->value.get(), member->key};
  }
  return found;
}

}  // namespace

Document::Document(std::string file, std::shared_ptr<const Node> root)
    : file_(std::move(file)),
      root_(std::move(root)),
      object_(std::make_shared<const nlohmann::json>(root_->to_json())),
      api_version_(text_at(*object_, "apiVersion")),
      kind_(text_at(*object_, "kind")) {
  const auto metadata = object_->find("metadata");
  if (metadata == object_->end() || !metadata->is_object()) return;
  ns_ = text_at(*metadata, "namespace");
  name_ = text_at(*metadata, "name");
  if (name_.empty()) name_ = text_at(*metadata, "generateName");
}

std::string Document::json() const { return object_->dump(); }

std::string Document::group() const {
  const std::size_t slash = api_version_.find('/');
  return slash == std::string::npos ? "" : api_version_.substr(0, slash);
}

std::string Document::version() const {
  const std::size_t slash = api_version_.find('/');
  return slash == std::string::npos ? api_version_ : api_version_.substr(slash + 1);
}

std::string Document::title() const {
  return absl::StrCat(kind_, " ", ns_, ns_.empty() ? "" : "/", name_.empty() ? "without a name" : name_);
}

Position Document::in_file(Mark mark) const { return {file_, mark.line, mark.column}; }

Position Document::start() const { return in_file(root_->at); }

Position Document::where(std::string_view field) const {
  const Found found = find(*root_, field);
  const bool on_one_line = found.node->kind == Node::Kind::Scalar && found.node->at.line == found.key.line;
  return in_file(on_one_line ? found.node->at : found.key);
}

Position Document::where_key(std::string_view field) const { return in_file(find(*root_, field).key); }

}  // namespace headroom::manifest
