// The shipped samples are without fault.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/lint/shop.h"

namespace headroom::lint {
namespace {

namespace fs = std::filesystem;

/// The folder's own files and those of one folder below it, as somebody applies them together.
Report lint_folder(const fs::path& folder, const fs::path& variant = {}) {
  std::vector<std::string> paths;
  for (const fs::path& each : {folder, variant}) {
    if (each.empty()) continue;
    for (const auto& entry : fs::directory_iterator(each)) {
      if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
    }
  }
  std::ranges::sort(paths);
  std::istringstream nothing;
  return lint(manifest::read_paths(paths, nothing), options_of_test());
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) folders.push_back(entry.path());
  }
  std::ranges::sort(folders);
  return folders;
}

TEST(Samples, have_nothing_against_them_but_the_target_that_is_meant_to_be_refused) {
  std::size_t objects = 0;
  for (const fs::path& folder : folders_in("manifests/samples")) {
    const Report report = lint_folder(folder);
    objects += report.objects.size();
    for (const Finding& each : report.findings) {
      EXPECT_TRUE(each.where.file.ends_with("90-refused.yaml")) << format(report, Format::Text);
    }
    EXPECT_EQ(report.count(Finding::Severity::Error), 0u) << folder;
    for (const fs::path& variant : folders_in(folder)) {
      const Report together = lint_folder(folder, variant);
      EXPECT_EQ(together.count(Finding::Severity::Error), 0u) << variant << format(together, Format::Text);
    }
  }
  EXPECT_GT(objects, 40u);
}

}  // namespace
}  // namespace headroom::lint
