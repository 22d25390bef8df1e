// Small text files: read whole, and read again when they change on disk (mounted tokens and certificates do).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace headroom::kube {

/// The content of a regular file of at most `limit` bytes; NotFound or InvalidArgument naming path and cause otherwise.
Result<std::string> read_text_file(const std::string& path, std::size_t limit);

/// A file that somebody else replaces now and then. Keeps the last content that could be read. One thread at a time.
class WatchedFile {
 public:
  explicit WatchedFile(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  /// Reads again when the file's identity, size or time of change is another, and in any case a minute after the last
  /// time (a change within the clock tick of the file system would go unseen otherwise). True when `content` changed;
  /// an Error when there has never been a content. A failure later on keeps the former content.
  Result<bool> refresh(SteadyTime now);
  /// The next refresh reads, whatever the file looks like: the server has refused what we have.
  void distrust() { read_ = false; }
  const std::string& content() const { return content_; }

 private:
  struct Identity {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t changed_s = 0, changed_ns = 0;
    bool operator==(const Identity&) const = default;
  };

  std::string path_, content_;
  Identity identity_;
  SteadyTime read_at_{};
  bool read_ = false, ever_ = false;
};

}  // namespace headroom::kube
