#include "operator/cli/tar_archive.h"

#include <zlib.h>

#include <array>
#include <cstdio>
#include <cstring>

namespace headroom::cli {
namespace {

constexpr std::size_t kBlock = 512;

/// POSIX.1-1988 ustar; numbers are octal texts.
std::string header_of(const std::string& path, std::size_t size, absl::Time modified) {
  std::array<char, kBlock> block{};
  const auto put = [&](std::size_t at, std::size_t room, const std::string& text) {
    std::memcpy(block.data() + at, text.data(), std::min(room, text.size()));
  };
  const auto octal = [&](std::size_t at, std::size_t room, std::uint64_t value) {
    char digits[24];
    std::snprintf(digits, sizeof digits, "%0*llo", static_cast<int>(room - 1), static_cast<unsigned long long>(value));
    put(at, room - 1, digits);
  };
  put(0, 100, path);
  octal(100, 8, 0644);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, size);
  octal(136, 12, static_cast<std::uint64_t>(absl::ToUnixSeconds(modified)));
  put(148, 8, "        ");
  block[156] = '0';
  put(257, 8, std::string("ustar\00000", 8));
  put(265, 32, "root");
  put(297, 32, "root");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  char digits[8];
  std::snprintf(digits, sizeof digits, "%06o", sum);
  std::memcpy(block.data() + 148, digits, 7);  // six digits and their end; the blank after it stays
  return {block.data(), block.size()};
}

}  // namespace

std::string tar_archive(const std::vector<std::pair<std::string, std::string>>& files, absl::Time modified) {
  std::string out;
  for (const auto& [path, content] : files) {
    out += header_of(path, content.size(), modified) + content;
    out.append((kBlock - content.size() % kBlock) % kBlock, '\0');
  }
  out.append(2 * kBlock, '\0');
  return out;
}

std::string gzipped(const std::string& data) {
  constexpr int kGzipWindow = 15 + 16;  // zlib's own way to ask for gzip's container
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, data.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace headroom::cli
