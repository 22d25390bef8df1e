// A folder of a test's own, gone with it.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace headroom::testing {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(const std::string& name = "") const { return (folder_ / name).string(); }
  /// Replaces a file in one step, as mounted Secrets are; returns its path.
  std::string write(const std::string& name, const std::string& content, bool executable = false) const;
  /// Replaces several files in one step, as a kubelet does with those of a mounted Secret: each is a link through
  /// `..data`, which is swapped.
  void swap(const std::map<std::string, std::string>& files);

 private:
  std::filesystem::path folder_;
  int swaps_ = 0;
};

}  // namespace headroom::testing
