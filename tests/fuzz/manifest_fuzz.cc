// Manifests: reading ends, never crashes, keeps its bounds, and every place that it names lies in the text. The first
// byte chooses the name of the file, the rest is the text.
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "operator/manifest/reader.h"
#include "tests/fuzz/require.h"

namespace {

using headroom::fuzz::require;
namespace manifest = headroom::manifest;

void require_inside(const manifest::Position& where, const std::string& text) {
  const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
  require(where.line >= 0 && where.line <= lines, "a line is one of the text");
  require(where.column >= 0 && where.column <= static_cast<int>(text.size()) + 1, "a column is one of the text");
}

void visit(const nlohmann::json& value, const std::string& path, const manifest::Document& document,
           const std::string& text, int& left) {
  if (--left < 0) return;
  require_inside(document.where(path), text);
  require_inside(document.where_key(path), text);
  if (value.is_object()) {
    for (const auto& [name, member] : value.items()) visit(member, path + "['" + name + "']", document, text, left);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      visit(value[i], path + "[" + std::to_string(i) + "]", document, text, left);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  manifest::Bounds bounds;
  bounds.nodes = 5'000;
  bounds.depth = 50;
  const manifest::ReadResult result = manifest::read_text(text, (data[0] & 1U) != 0 ? "a.json" : "a.yaml", bounds);
  for (const manifest::Problem& problem : result.problems) {
    require(!problem.message.empty(), "a problem says what is wrong");
    require_inside(problem.where, text);
  }
  for (const manifest::Document& document : result.documents) {
    require(!document.kind().empty() && !document.api_version().empty(), "a document has a kind and a version");
    int left = 500;
    visit(document.object(), "", document, text, left);
    const manifest::ReadResult again = manifest::read_text(document.json(), "a.json", {});
    require(again.documents.size() == 1 && again.documents[0].object() == document.object(),
            "a document reads back from its JSON");
  }
  return 0;
}
