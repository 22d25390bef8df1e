#include "operator/kube/text_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/kube/temporary_folder.h"

namespace headroom::kube {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::TemporaryFolder;

const SteadyTime kStart{std::chrono::hours(1)};

TEST(TextFile, is_read_whole_up_to_its_bound) {
  const TemporaryFolder folder;
  const std::string content(100'000, 'x');
  const std::string path = folder.write("file", content);
  EXPECT_EQ(read_text_file(path, 100'000).value(), content);
  const auto larger = read_text_file(path, 99'999);
  ASSERT_FALSE(larger);
  EXPECT_EQ(larger.error().code, ErrorCode::InvalidArgument);
  EXPECT_NE(larger.error().message.find(path), std::string::npos);
}

TEST(TextFile, is_refused_when_it_is_none) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_text_file(folder.path("none"), 10).error().code, ErrorCode::NotFound);
  EXPECT_EQ(read_text_file(folder.path(), 10).error().code, ErrorCode::InvalidArgument);
  const std::string pipe = folder.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(read_text_file(pipe, 10).error().code, ErrorCode::InvalidArgument) << "and must not block";
}

TEST(WatchedFile, tells_when_its_content_changed) {
  const TemporaryFolder folder;
  WatchedFile file(folder.write("token", "a"));
  EXPECT_TRUE(file.refresh(kStart).value());
  EXPECT_FALSE(file.refresh(kStart).value());
  folder.write("token", "b");
  EXPECT_TRUE(file.refresh(kStart).value());
  EXPECT_EQ(file.content(), "b");
  folder.write("token", "b");
  EXPECT_FALSE(file.refresh(kStart).value()) << "another file with the same content";
}

TEST(WatchedFile, keeps_the_last_content_while_the_file_is_missing_or_empty) {
  const TemporaryFolder folder;
  WatchedFile file(folder.write("token", "a"));
  EXPECT_TRUE(file.refresh(kStart));
  folder.write("token", "");
  EXPECT_FALSE(file.refresh(kStart).value());
  std::filesystem::remove(file.path());
  EXPECT_FALSE(file.refresh(kStart).value());
  EXPECT_EQ(file.content(), "a");
  folder.write("token", "c");
  EXPECT_TRUE(file.refresh(kStart).value());
}

TEST(WatchedFile, needs_a_content_to_begin_with) {
  const TemporaryFolder folder;
  EXPECT_FALSE(WatchedFile(folder.path("none")).refresh(kStart));
  EXPECT_FALSE(WatchedFile(folder.write("empty", "")).refresh(kStart));
}

// A change that leaves size, inode and time as they were.
void change_unseen(const std::string& path, const std::string& content) {
  const auto time = std::filesystem::last_write_time(path);
  std::ofstream(path, std::ios::in | std::ios::out) << content;
  std::filesystem::last_write_time(path, time);
}

TEST(WatchedFile, is_read_again_after_a_minute_even_when_it_looks_the_same) {
  const TemporaryFolder folder;
  WatchedFile file(folder.write("token", "a"));
  EXPECT_TRUE(file.refresh(kStart));
  change_unseen(file.path(), "b");
  EXPECT_FALSE(file.refresh(kStart + seconds(59)).value());
  EXPECT_TRUE(file.refresh(kStart + minutes(1)).value());
}

TEST(WatchedFile, is_read_again_at_once_when_it_was_distrusted) {
  const TemporaryFolder folder;
  WatchedFile file(folder.write("token", "a"));
  EXPECT_TRUE(file.refresh(kStart));
  change_unseen(file.path(), "b");
  file.distrust();
  EXPECT_TRUE(file.refresh(kStart).value());
}

}  // namespace
}  // namespace headroom::kube
