#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "operator/manifest/reader.h"

namespace headroom::manifest {
namespace {

namespace fs = std::filesystem;

class Paths : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = fs::temp_directory_path() / ("manifests-" + std::to_string(getpid()) + "-" + name);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
  }
  std::string in_folder(const std::string& path) const { return (folder_ / path).string(); }
  std::vector<std::string> names(const ReadResult& result) const {
    std::vector<std::string> all;
    for (const Document& each : result.documents) {
      all.push_back(fs::relative(each.file(), folder_).string() + " " + each.name());
    }
    return all;
  }
  static std::string object(const std::string& name) {
    return "{\"apiVersion\": \"v1\", \"kind\": \"A\", \"metadata\": {\"name\": \"" + name + "\"}}\n";
  }

  fs::path folder_;
  std::istringstream nothing_;
};

TEST_F(Paths, folders_are_read_with_all_below_them_by_name) {
  write("b.yaml", object("b"));
  write("a.yml", object("a"));
  write("sub/c.json", object("c"));
  write("README.md", "not a manifest");
  write(".hidden.yaml", object("hidden"));
  write(".git/d.yaml", object("git"));
  const ReadResult result = read_paths({folder_.string()}, nothing_);
  EXPECT_TRUE(result.problems.empty());
  EXPECT_EQ(names(result), (std::vector<std::string>{"a.yml a", "b.yaml b", "sub/c.json c"}));
}

TEST_F(Paths, kustomizations_and_charts_are_left_out_with_what_to_do_instead) {
  write("base/kustomization.yaml", "resources: [a.yaml]\n");
  write("base/a.yaml", object("a"));
  write("chart/Chart.yaml", "name: x\n");
  write("chart/templates/a.yaml", "a: {{ .Values.a }}\n");
  const ReadResult result = read_paths({folder_.string()}, nothing_);
  EXPECT_FALSE(result.failed());
  EXPECT_EQ(names(result), (std::vector<std::string>{"base/a.yaml a"}));
  ASSERT_EQ(result.problems.size(), 2u);
  EXPECT_NE(result.problems[0].to_string().find("kustomize build " + in_folder("base")), std::string::npos);
  EXPECT_NE(result.problems[1].to_string().find("helm template " + in_folder("chart")), std::string::npos);
}

TEST_F(Paths, a_dash_is_standard_input_and_a_file_is_read_whatever_its_name) {
  write("objects.txt", object("a"));
  std::istringstream input(object("b"));
  const ReadResult result = read_paths({in_folder("objects.txt"), "-"}, input);
  ASSERT_EQ(result.documents.size(), 2u);
  EXPECT_EQ(result.documents[1].where("kind").to_string(), "-:1:30");
}

TEST_F(Paths, what_cannot_be_read_is_said_and_the_rest_is_read) {
  write("a.yaml", object("a"));
  fs::create_directories(folder_ / "empty");
  const ReadResult result = read_paths({in_folder("missing"), in_folder("a.yaml"), in_folder("empty")}, nothing_);
  EXPECT_TRUE(result.failed());
  EXPECT_EQ(names(result), (std::vector<std::string>{"a.yaml a"}));
  ASSERT_EQ(result.problems.size(), 2u);
  EXPECT_NE(result.problems[0].to_string().find("is not there"), std::string::npos);
  EXPECT_NE(result.problems[1].to_string().find("has no *.yaml"), std::string::npos);
}

TEST_F(Paths, the_number_of_files_is_bounded_and_said_once) {
  for (int i = 0; i < 5; ++i) write(std::to_string(i) + ".yaml", object("a"));
  Bounds bounds;
  bounds.files = 2;
  const ReadResult result = read_paths({folder_.string()}, nothing_, bounds);
  EXPECT_EQ(result.documents.size(), 2u);
  EXPECT_EQ(result.problems.size(), 1u);
}

}  // namespace
}  // namespace headroom::manifest
