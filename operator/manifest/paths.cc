// Files, folders and standard input: the only part of the reader that does IO.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <istream>
#include <iterator>
#include <set>
#include <utility>

#include "operator/manifest/reader.h"

namespace headroom::manifest {
namespace {

namespace fs = std::filesystem;

class PathReader {
 public:
  PathReader(std::istream& standard_input, const Bounds& bounds) : standard_input_(standard_input), bounds_(bounds) {}

  void read(const std::string& path) {
    if (path == "-") {
      read_stream(standard_input_, path);
      return;
    }
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) {
      fault(path, "is not there", "name a file, a folder, or \"-\" for standard input");
    } else if (fs::is_directory(status)) {
      const std::size_t before = files_, problems = result_.problems.size();
      read_folder(path, 0);
      if (files_ == before && result_.problems.size() == problems) {
        fault(path, "has no *.yaml, *.yml or *.json file", "name the folder of the manifests");
      }
    } else {
      read_file(path);
    }
  }

  ReadResult take() { return std::move(result_); }

 private:
  void add(Problem::Severity severity, const std::string& path, std::string message, std::string remedy) {
    result_.problems.push_back({severity, {path, 0, 0}, std::move(message), std::move(remedy)});
  }
  void fault(const std::string& path, std::string message, std::string remedy) {
    add(Problem::Severity::Error, path, std::move(message), std::move(remedy));
  }

  void read_folder(const fs::path& folder, int depth) {
    constexpr int kDeepest = 32;
    if (depth > kDeepest) {
      fault(folder.string(), "lies too deep", "name the folder itself");
      return;
    }
    if (fs::exists(folder / "Chart.yaml")) {
      add(Problem::Severity::Note, folder.string(), "is a Helm chart and was left out",
          absl::StrCat("render it first: helm template ", folder.string(), " | headroom lint -f -"));
      return;
    }
    std::set<fs::path> files, folders;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      if (entry->path().filename().string().starts_with('.')) continue;
      (entry->is_directory() ? folders : files).insert(entry->path());
    }
    if (error) fault(folder.string(), absl::StrCat("cannot be read: ", error.message()), "");
    for (const fs::path& file : files) {
      const std::string name = file.filename().string(), extension = file.extension().string();
      if (name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization") {
        add(Problem::Severity::Note, file.string(),
            "is a kustomization and was left out; the other files are read as they are",
            absl::StrCat("to check what it makes of them: kustomize build ", folder.string(), " | headroom lint -f -"));
      } else if (extension == ".yaml" || extension == ".yml" || extension == ".json") {
        read_file(file.string());
      }
    }
    for (const fs::path& each : folders) read_folder(each, depth + 1);
  }

  void read_file(const std::string& path) {
    if (++files_ > bounds_.files) {
      if (files_ == bounds_.files + 1) {
        fault(path, absl::StrCat("is one file more than the ", bounds_.files, " that are read"), "name fewer folders");
      }
      return;
    }
    std::ifstream stream(path, std::ios::binary);
    if (!stream) {
      fault(path, "cannot be read", "see that it is a file and that you may read it");
      return;
    }
    read_stream(stream, path);
  }

  void read_stream(std::istream& stream, const std::string& path) {
    std::string text;
    char buffer[16384];
    while (text.size() <= bounds_.file_bytes) {
      stream.read(buffer, sizeof buffer);
      text.append(buffer, static_cast<std::size_t>(stream.gcount()));
      if (!stream) break;
    }
    if (stream.bad()) {
      fault(path, "cannot be read to its end", "");
      return;
    }
    ReadResult one = read_text(text, path, bounds_);
    std::ranges::move(one.documents, std::back_inserter(result_.documents));
    std::ranges::move(one.problems, std::back_inserter(result_.problems));
  }

  std::istream& standard_input_;
  const Bounds& bounds_;
  ReadResult result_;
  std::size_t files_ = 0;
};

}  // namespace

ReadResult read_paths(const std::vector<std::string>& paths, std::istream& standard_input, const Bounds& bounds) {
  PathReader reader(standard_input, bounds);
  for (const std::string& path : paths) reader.read(path);
  return reader.take();
}

}  // namespace headroom::manifest
