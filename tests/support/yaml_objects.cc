#include "tests/support/yaml_objects.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>

namespace headroom::testing_support {
namespace {

using nlohmann::json;

json scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;  // quoted
  if (text == "true" || text == "false") return text == "true";
  const std::size_t digits = text.starts_with('-') ? 1 : 0;
  const bool number = text.size() > digits && std::all_of(text.begin() + static_cast<std::ptrdiff_t>(digits),
                                                          text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (number) return std::stoll(text);
  return text;
}

json to_value(const YAML::Node& node) {
  if (node.IsMap()) {
    json object = json::object();
    for (const auto& member : node) object[member.first.Scalar()] = to_value(member.second);
    return object;
  }
  if (node.IsSequence()) {
    json list = json::array();
    for (const YAML::Node& item : node) list.push_back(to_value(item));
    return list;
  }
  return node.IsScalar() ? scalar(node) : json();
}

}  // namespace

std::vector<json> yaml_objects(const std::string& file) {
  std::vector<json> objects;
  try {
    for (const YAML::Node& document : YAML::LoadAllFromFile(file)) {
      if (document.IsMap()) objects.push_back(to_value(document));
    }
  } catch (const YAML::Exception& problem) {
    ADD_FAILURE() << file << ": " << problem.what();
  }
  return objects;
}

std::vector<json> yaml_objects_of_folder(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  std::vector<json> objects;
  for (const std::string& file : files) {
    for (json& object : yaml_objects(file)) objects.push_back(std::move(object));
  }
  return objects;
}

}  // namespace headroom::testing_support
