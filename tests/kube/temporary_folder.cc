#include "tests/kube/temporary_folder.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace headroom::testing {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "headroom-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& content, bool executable) const {
  const std::filesystem::path target = folder_ / name;
  const std::filesystem::path next = folder_ / (name + ".next");
  std::ofstream(next, std::ios::binary) << content;
  if (executable) std::filesystem::permissions(next, std::filesystem::perms::owner_all);
  std::filesystem::rename(next, target);
  return target.string();
}

void TemporaryFolder::swap(const std::map<std::string, std::string>& files) {
  const std::string version = ".." + std::to_string(++swaps_);
  std::filesystem::create_directory(folder_ / version);
  for (const auto& [name, content] : files) write((std::filesystem::path(version) / name).string(), content);
  std::filesystem::create_symlink(version, folder_ / "..next");
  std::filesystem::rename(folder_ / "..next", folder_ / "..data");
  for (const auto& [name, content] : files) {
    if (!std::filesystem::is_symlink(folder_ / name)) {
      std::filesystem::create_symlink(std::filesystem::path("..data") / name, folder_ / name);
    }
  }
}

}  // namespace headroom::testing
