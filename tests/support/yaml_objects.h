// The Kubernetes objects of YAML files as JSON, typed as kubectl types them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace headroom::testing_support {

/// All documents of one file. Fails the running test and returns nothing when the file cannot be read.
std::vector<nlohmann::json> yaml_objects(const std::string& file);

/// All documents of a folder's *.yaml files, in the order in which `kubectl apply -f folder` takes them. Subfolders are
/// left out.
std::vector<nlohmann::json> yaml_objects_of_folder(const std::string& folder);

}  // namespace headroom::testing_support
