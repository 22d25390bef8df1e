#include "operator/kube/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace headroom::kube {

namespace {

constexpr std::size_t kLongestWatched = std::size_t{1} << 20U;
constexpr std::chrono::minutes kReadAgainAfter{1};

Error cannot_read(const std::string& path, int error) {
  return Error{error == ENOENT ? ErrorCode::NotFound : ErrorCode::InvalidArgument,
               path + " cannot be read: " + std::generic_category().message(error),
               0,
               {}};
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, std::size_t limit) {
  // Not blocking, so that a named pipe cannot hold us.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return cannot_read(path, errno);
  struct Closer {
    int file;
    ~Closer() { ::close(file); }
  } const closer{file};

  struct stat info {};
  if (::fstat(file, &info) != 0) return cannot_read(path, errno);
  if (!S_ISREG(info.st_mode)) return invalid(path + " is not a regular file");
  std::string content;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t got = ::read(file, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_read(path, errno);
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
    if (content.size() > limit) {
      return invalid(path + " is larger than the " + std::to_string(limit) + " bytes that such a file may have");
    }
  }
}

Result<bool> WatchedFile::refresh(SteadyTime now) {
  struct stat info {};
  Identity identity;
  if (::stat(path_.c_str(), &info) == 0) {
    identity = {info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size), info.st_mtim.tv_sec,
                info.st_mtim.tv_nsec};
  }
  if (read_ && identity == identity_ && now - read_at_ < kReadAgainAfter) return false;
  Result<std::string> content = read_text_file(path_, kLongestWatched);
  if (!content || content.value().empty()) {
    // Not there, or being written just now: what we have is better than nothing, and is looked for at the next call.
    if (ever_) return false;
    return content ? invalid(path_ + " is empty") : std::move(content).error();
  }
  identity_ = identity;
  read_at_ = now;
  read_ = true;
  const bool changed = !ever_ || content.value() != content_;
  ever_ = true;
  if (changed) content_ = std::move(content).value();
  return changed;
}

}  // namespace headroom::kube
